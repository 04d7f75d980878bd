#include "render/page_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "attention/problem_fields.hpp"
#include "base/json_text.hpp"
#include "conclude/conclusion.hpp"
#include "conclude/pareto.hpp"
#include "record/ranking.hpp"
#include "render/comparison_output.hpp"
#include "render/conclusion_text.hpp"
#include "render/file_names.hpp"
#include "render/page_record.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

// The names of the problem's curves over the sequence length. Problems of a curve differ in their lengths only; on the
// second kind of curve the batch shrinks as sequences grow, so that the number of tokens is constant.
Json curves_of(const Problem& problem) {
  constexpr std::string_view kVaries[] = {"batch", "seq_q"};
  std::string rest = problem_sizes(problem, kVaries);
  if (problem.seq_q != problem.seq_kv) rest += fmt::format(", seq_q {}", problem.seq_q);
  return {{"same_batch", fmt::format("batch {}, {}", problem.batch, rest)},
          {"same_tokens", fmt::format("{} tokens, {}", problem.batch * problem.seq_q, rest)}};
}

std::string as_it_is(std::string_view id) { return std::string(id); }

Json standing_json(const ProblemConclusion& problem) {
  const Standing& standing = *problem.main();
  const bool beside_peer = problem.peer || problem.baseline_is_peer;
  return {{"clock", timing_field(problem.mode)},
          {"over", beside_peer ? "peer" : "baseline"},
          {"other", standing.other},
          {"ratio", standing.over.ratio},
          {"low", standing.over.low},
          {"high", standing.over.high},
          {"text", ratio_text(standing.over)},
          {"outcome", to_string(contest(standing.over))}};
}

Json page_problem(std::span<const Record> records, std::size_t file, const Conclusion& conclusion) {
  const Record& record = records.front();
  Json problem = {
      {"file", file}, {"sizes", problem_sizes(record.problem)}, {"curves", curves_of(record.problem)}};
  problem.update(to_json(record.problem));
  problem["flops"] = flops(record.problem);
  problem["bytes"] = compulsory_bytes(record.problem);
  problem["baseline"] = nullptr;
  problem["conclusion"] = nullptr;
  if (const auto found = conclude(records, conclusion.baseline(), conclusion.policy())) {
    problem["conclusion"] = sentence(*found, as_it_is);
    if (found->main() != nullptr) problem["standing"] = standing_json(*found);
  }
  return problem;
}

// Without the folders of absolute paths, which say where others keep their files.
Json shown_environment(Json environment) {
  const auto line = environment.find("command_line");
  if (line == environment.end() || !line->is_array()) return environment;
  for (Json& word : *line) {
    if (!word.is_string()) continue;
    const auto text = word.get<std::string>();
    const std::size_t begin = text.starts_with('-') ? text.find('=') + 1 : 0;
    const std::filesystem::path path = text.substr(begin);
    if (path.is_absolute()) word = text.substr(0, begin) + path.filename().string();
  }
  return environment;
}

Json page_file(const ResultFile& file, const std::string& name, const Conclusion& conclusion) {
  std::map<Status, std::size_t> statuses;
  for (const Record& record : file.records) ++statuses[record.status];
  std::vector<std::string> sentences = mean_sentences(conclusion);
  if (const std::string total = total_sentence(conclusion); !total.empty()) {
    sentences.insert(sentences.begin(), total);
  }
  Json shown = {{"name", name},
                {"headline", headline(conclusion, file.environment)},
                {"conclusion", std::move(sentences)},
                {"cautions", file_cautions(conclusion, file.environment)},
                {"falls_short_means", meaning_of_short(conclusion.policy())},
                {"records", file.records.size()},
                {"statuses", Json::object()},
                {"environment", shown_environment(file.environment)}};
  for (const auto& [status, count] : statuses) shown["statuses"][to_string(status)] = count;
  return shown;
}

// Those of the Pareto set of time and energy, if it is one of several records.
std::vector<const Record*> pareto_records(std::span<const Record> records) {
  std::vector<const Record*> measured;
  for (const Record& record : records) {
    if (record.headline() != nullptr && record.energy_per_call_j) measured.push_back(&record);
  }
  std::vector<const Record*> set;
  if (measured.size() < 2) return set;
  for (const std::size_t i : pareto_set(measured, *measured.front()->headline_mode()))
    set.push_back(measured[i]);
  return set;
}

std::size_t sample_count(const Record& record) {
  std::size_t count = 0;
  for (const TimingMode mode : kAll<TimingMode>) {
    if (record.timings[mode]) count += record.timings[mode]->samples.size();
  }
  return count;
}

class PageText {
 public:
  PageText(const ResultsOutput& output, const PageLimits& limits, JsonText text)
      : output_(output), limits_(limits), text_(text) {
    std::size_t records = 0;
    std::size_t samples = 0;
    for (const ResultFile& file : output.files) {
      records += file.records.size();
      for (const Record& record : file.records) samples += sample_count(record);
    }
    has_all_records_ = records <= limits.records;
    has_all_samples_ = has_all_records_ && samples <= limits.samples;
  }

  std::string make() {
    add_files();
    page_.reserve(page_.size() + problems_.size() + 4096);
    page_ += "],\n\"problems\":[";
    page_ += std::exchange(problems_, {});
    page_ += "],\n\"clocks\":" + text_(clocks());
    page_ += ",\n\"families\":" + text_(families_);
    page_ += ",\n\"files\":" + text_(files_);
    if (output_.comparison != nullptr) {
      const std::string base = std::move(short_names({&output_.base, 1}).front());
      page_ += ",\n\"verdict\":" + text_(verdict_sentence(*output_.comparison, base));
      page_ += ",\n\"comparison\":" + text_(to_json(*output_.comparison));
    }
    return std::move(page_) + "}";
  }

 private:
  static Json clocks() {
    Json clocks = Json::array();
    for (const TimingMode mode : kAll<TimingMode>) {
      clocks.push_back({{"field", timing_field(mode)}, {"name", to_string(mode)}});
    }
    return clocks;
  }

  void add_files() {
    std::vector<std::string> paths;
    for (const ResultFile& file : output_.files) paths.push_back(file.path);
    const std::vector<std::string> names = short_names(paths);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const ResultFile& file = output_.files[i];
      const ProblemGroups problems(file.records);
      const Conclusion conclusion = conclude_file(problems, output_.baseline, file.config);
      files_.push_back(page_file(file, names[i], conclusion));
      for (const std::span<const Record> records : problems) add_problem(records, i, conclusion);
    }
  }

  void add_problem(std::span<const Record> records, std::size_t file, const Conclusion& conclusion) {
    Json problem = page_problem(records, file, conclusion);
    const Record* baseline = find_baseline_or_first(records, conclusion.baseline());
    const std::vector<const Record*> best = best_of_families(records);
    const std::vector<const Record*> frugal = pareto_records(records);
    for (const Record& record : records) {
      const bool is_best = std::ranges::count(best, &record) > 0;
      const bool failed = record.status != Status::ok && record.status != Status::unsupported;
      if (!has_all_records_ && !is_best && !failed && &record != baseline) continue;
      if (&record == baseline) problem["baseline"] = record_count_;
      add_family(record);
      Json shown = page_record(record, problem_count_, conclusion.policy(), samples_of(record, is_best));
      if (std::ranges::count(frugal, &record) > 0) shown["pareto"] = true;
      add(page_, record_count_, shown);
    }
    add(problems_, problem_count_, problem);
  }

  void add(std::string& list, std::size_t& count, const Json& item) {
    if (count++ > 0) list += ",\n";
    list += text_(item);
  }

  // Each family once, in the order of the records.
  void add_family(const Record& record) {
    const auto is_known = [&](const Json& family) { return family["name"] == record.family; };
    if (std::ranges::any_of(families_, is_known)) return;
    families_.push_back(
        {{"name", record.family}, {"role", to_string(record.role)}, {"label", peer_name(record.family)}});
  }

  Samples samples_of(const Record& record, bool is_best) {
    if (has_all_samples_) return Samples::all;
    if (!is_best) return Samples::none;
    sample_count_ += record.headline()->samples.size();
    return sample_count_ <= limits_.samples ? Samples::headline : Samples::none;
  }

  const ResultsOutput& output_;
  PageLimits limits_;
  JsonText text_;
  bool has_all_records_;
  bool has_all_samples_;
  std::string page_ = "{\"records\":[";
  std::string problems_;
  Json families_ = Json::array();
  Json files_ = Json::array();
  std::size_t record_count_ = 0;
  std::size_t problem_count_ = 0;
  std::size_t sample_count_ = 0;
};

}  // namespace

std::string page_data(const ResultsOutput& output, const PageLimits& limits, JsonText text) {
  return PageText(output, limits, text).make();
}

std::string script_safe(const Json& json) {
  // JSON has these characters in strings only.
  std::string text;
  for (const char c : json_text(json, -1, /*ascii=*/true)) {
    if (c == '<' || c == '>' || c == '&') {
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace flashcore
