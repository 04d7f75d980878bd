#include "config/traced_problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json_document.hpp"
#include "config/problem_reader.hpp"
#include "trace/bins.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

// The part of each call that one form computes; calls without such a part are left out.
struct FormCalls {
  std::vector<std::size_t> calls;  // indices
  std::vector<Lengths> lengths;
};

FormCalls calls_of(const CallFile& file, const LayerForm& form) {
  FormCalls taken;
  for (std::size_t i = 0; i < file.calls.size(); ++i) {
    Lengths part = form.part_of(file.calls[i].lengths);
    const auto positive = [](std::int32_t length) { return length > 0; };
    if (std::ranges::none_of(part.q, positive) || std::ranges::none_of(part.kv, positive)) continue;
    taken.calls.push_back(i);
    taken.lengths.push_back(std::move(part));
  }
  return taken;
}

// A form's problem without lengths. Pages do not change what a call reads.
Problem plain_problem(const LayerForm& form) {
  json object = form.attention;
  for (const char* key : {"seq_kv", "kv"}) object.erase(key);
  const JsonDocument document(json{{"problems", object}}.dump(), "--model");
  return read_problems(JsonReader(document)["problems"]).front().problem;
}

std::vector<CallCost> costs_of(const FormCalls& taken, const LayerForm& form) {
  Problem problem = plain_problem(form);
  std::vector<CallCost> costs;
  for (const Lengths& lengths : taken.lengths) {
    problem.lengths = lengths;
    apply_lengths(problem);
    costs.push_back(call_cost(problem));
  }
  return costs;
}

std::string stem_of(const std::string& stem, const LayerForm& form) {
  return form.name.empty() ? stem : fmt::format("{}-{}", stem, form.name);
}

void add_problems(const CallFile& file, const LayerForm& form, const std::string& stem, std::size_t most,
                  json& problems) {
  const FormCalls taken = calls_of(file, form);
  const std::vector<Bin> bins = bin_calls(costs_of(taken, form), most);
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const Bin& bin = bins[i];
    const std::int64_t number = file.calls[taken.calls[bin.representative]].number;
    json object = form.attention;
    object.erase("seq_kv");
    object["name"] = fmt::format("{}-bin{:02}", stem_of(stem, form), i);
    object["lengths"] = lengths_text(taken.lengths[bin.representative]);
    object["weight"] = static_cast<double>(form.layers) * bin.weight;
    object["source"] = fmt::format("{} of {} calls: {}", bin.members.size(), taken.calls.size(),
                                   file.source_of(std::span(&number, 1)));
    problems.push_back(std::move(object));
  }
}

}  // namespace

json traced_problems(const CallFile& file, std::span<const LayerForm> forms, const std::string& stem,
                     std::size_t most) {
  const std::size_t of_each = std::max<std::size_t>(most / forms.size(), 1);
  json problems = json::array();
  for (const LayerForm& form : forms) add_problems(file, form, stem, of_each, problems);
  return problems;
}

}  // namespace flashcore
