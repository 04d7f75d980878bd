#include "render/page_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "attention/problem_fields.hpp"
#include "base/json_text.hpp"
#include "conclude/conclusion.hpp"
#include "conclude/shortfall.hpp"
#include "record/ranking.hpp"
#include "render/conclusion_text.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

// The fields of a record that the page shows.
constexpr std::string_view kShownFields[] = {"/variant",
                                             "/family",
                                             "/status",
                                             "/reason",
                                             "/spec/block_q",
                                             "/spec/block_kv",
                                             "/check/max_abs",
                                             "/check/rel_l2",
                                             "/check/limit/rel_l2",
                                             "/percent_of_peak",
                                             "/roofline/arithmetic_floor_us",
                                             "/roofline/exponential_floor_us",
                                             "/roofline/memory_floor_us",
                                             "/roofline/bound",
                                             "/roofline/percent_of_floor",
                                             "/resources/registers",
                                             "/resources/smem_bytes",
                                             "/resources/spill_bytes",
                                             "/resources/threads",
                                             "/resources/blocks_per_sm",
                                             "/resources/occupancy",
                                             "/resources/waves"};

// The same for each timing.
constexpr std::string_view kShownTimingFields[] = {"median", "ci95", "n"};

// Six significant digits are more than any measurement has, and halve the page.
Json rounded(Json json) {
  if (json.is_number_float()) return std::strtod(fmt::format("{:.6g}", json.get<double>()).c_str(), nullptr);
  if (json.is_array()) {
    for (Json& item : json) item = rounded(std::move(item));
  }
  return json;
}

// The names of the problem's curves over the sequence length. Problems of a curve differ in their lengths only; on the
// second kind of curve the batch shrinks as sequences grow, so that the number of tokens is constant.
Json curves_of(const Problem& problem) {
  constexpr std::string_view kVaries[] = {"batch", "seq_q"};
  std::string rest = problem_sizes(problem, kVaries);
  if (problem.seq_q != problem.seq_kv) rest += fmt::format(", seq_q {}", problem.seq_q);
  return {{"same_batch", fmt::format("batch {}, {}", problem.batch, rest)},
          {"same_tokens", fmt::format("{} tokens, {}", problem.batch * problem.seq_q, rest)}};
}

Json page_record(const Record& record, std::size_t problem, const MeasurePolicy& rule) {
  const Json whole = to_json(record);
  Json shown = {{"problem", problem}};
  if (shortfall(record, rule).any()) shown["falls_short"] = true;
  const auto show = [&](const std::string& field) {
    const Json::json_pointer pointer{field};
    if (whole.contains(pointer)) shown[pointer] = rounded(whole.at(pointer));
  };
  for (const std::string_view field : kShownFields) show(std::string(field));
  for (const TimingMode mode : kAll<TimingMode>) {
    const auto& timing = record.timings[mode];
    if (!timing) continue;
    for (const std::string_view field : kShownTimingFields) {
      show(fmt::format("/timing/{}/{}", timing_field(mode), field));
    }
    if (record.roofline && record.roofline_timing() == &*timing) {
      shown["roofline"]["clock"] = timing_field(mode);
    }
  }
  return shown;
}

Json page_problem(const Record& record, std::size_t file) {
  Json problem = {
      {"file", file}, {"sizes", problem_sizes(record.problem)}, {"curves", curves_of(record.problem)}};
  problem.update(to_json(record)["problem"]);
  problem["flops"] = flops(record.problem);
  problem["bytes"] = compulsory_bytes(record.problem);
  return problem;
}

// Each family once, in the order of the records.
void add_family(Json& page, const Record& record) {
  const auto is_known = [&](const Json& family) { return family["name"] == record.family; };
  if (std::ranges::any_of(page["families"], is_known)) return;
  page["families"].push_back({{"name", record.family}, {"role", to_string(record.role)}});
}

std::string as_it_is(std::string_view id) { return std::string(id); }

void add_problem(Json& page, const std::vector<Record>& records, std::size_t file,
                 const Conclusion& conclusion) {
  Json problem = page_problem(records.front(), file);
  const Record* baseline = find_baseline_or_first(records, conclusion.baseline());
  problem["baseline"] = nullptr;
  problem["conclusion"] = nullptr;
  if (const auto found = conclude(records, conclusion.baseline(), conclusion.policy())) {
    problem["conclusion"] = sentence(*found, as_it_is);
  }
  for (const Record& record : records) {
    if (&record == baseline) problem["baseline"] = page["records"].size();
    add_family(page, record);
    page["records"].push_back(page_record(record, page["problems"].size(), conclusion.policy()));
  }
  page["problems"].push_back(std::move(problem));
}

}  // namespace

std::span<const std::string_view> shown_fields() { return kShownFields; }

Json page_data(std::span<const ResultFile> files, const std::string& baseline) {
  Json page = {{"clocks", Json::array()},
               {"files", Json::array()},
               {"problems", Json::array()},
               {"families", Json::array()},
               {"records", Json::array()}};
  for (const TimingMode mode : kAll<TimingMode>) {
    page["clocks"].push_back({{"field", timing_field(mode)}, {"name", to_string(mode)}});
  }
  for (const ResultFile& file : files) {
    const std::size_t index = page["files"].size();
    const auto problems = by_problem(file.records);
    const Conclusion conclusion = conclude_file(problems, baseline, file.config);
    page["files"].push_back({{"path", file.path},
                             {"environment", file.environment},
                             {"conclusion", mean_sentences(conclusion)},
                             {"cautions", file_cautions(conclusion, file.environment)},
                             {"falls_short_means", meaning_of_short(conclusion.policy())}});
    for (const auto& records : problems) add_problem(page, records, index, conclusion);
  }
  return page;
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
