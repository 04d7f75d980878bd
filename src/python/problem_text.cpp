#include "python/problem_text.hpp"

#include <vector>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/json_document.hpp"
#include "base/json_text.hpp"
#include "capi/convert.hpp"
#include "config/problem_reader.hpp"
#include "config/recorded_lengths.hpp"
#include "library/arguments.hpp"
#include "results/record_json.hpp"

namespace flashcore {

std::vector<Problem> read_problems(std::string_view json) {
  JsonDocument document(json, "Problem");
  load_recorded_lengths(document, "");
  std::vector<Problem> problems;
  for (PlannedProblem& planned : read_problems(JsonReader(document))) {
    problems.push_back(std::move(planned.problem));
  }
  return problems;
}

Problem read_problem(std::string_view json) {
  std::vector<Problem> problems = read_problems(json);
  if (problems.size() != 1)
    throw UsageError("Problem: a field has several values; fc.problems() makes their problems");
  return std::move(problems.front());
}

std::string problem_text(const Problem& problem) { return json_text(to_json(problem)); }

Problem problem_of(const AttentionArgs& args, Dtype dtype) {
  const flashcore_attention_v2 c_args = to_c_v2(args, dtype);
  Problem problem = checked_request(&c_args).problem;
  const double usual = default_scale(problem.head_dim);
  if (static_cast<float>(usual) == args.scale) problem.scale = usual;
  problem.name = problem_id(problem);
  return problem;
}

}  // namespace flashcore
