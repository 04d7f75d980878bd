#include "cli/subject.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "config/problem_reader.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

const Variant& find_one(const SubjectRequest& request) {
  Selector selector;
  selector.add_glob(request.variant, request.command);
  const std::vector<const Variant*> found = selector.select(all_variants());
  if (found.size() > 1) {
    throw UsageError(
        fmt::format("{}: {} matches {} variants, but only one can be {} at a time, for example {}",
                    request.command, request.variant, found.size(), request.participle, found.front()->id()));
  }
  return *found.front();
}

std::string complete_problem(std::string problem, const VariantSpec& spec) {
  const nlohmann::json given = problem_from_flag(problem);
  if (!given.contains("dtype")) problem += fmt::format(",dtype={}", to_string(spec.dtype));
  if (!given.contains("head_dim")) problem += fmt::format(",head_dim={}", spec.head_dim);
  return problem;
}

}  // namespace

Subject make_subject(const SubjectRequest& request) {
  const Variant& variant = find_one(request);
  Overrides overrides = request.overrides;
  overrides.problems = {complete_problem(request.problem, variant.spec)};
  overrides.variants = {variant.id()};
  JsonDocument document("{}", std::string(request.command));
  apply(overrides, document);
  Subject subject{&variant, make_plan(document, request.command)};
  if (subject.plan.problems.size() != 1) {
    throw UsageError(fmt::format("--problem: makes {} problems, but only one can be {} at a time",
                                 subject.plan.problems.size(), request.participle));
  }
  return subject;
}

}  // namespace flashcore
