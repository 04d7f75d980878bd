#include "cli/plan_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/terminal.hpp"
#include "base/text_table.hpp"
#include "trace/call_cost.hpp"

namespace flashcore {
namespace {

std::string percent_text(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace

std::vector<WeightShares> weight_shares(const Plan& plan) {
  if (std::ranges::all_of(plan.problems, [](const Problem& problem) { return problem.weight == 1; }))
    return {};
  std::vector<WeightShares> shares;
  WeightShares sum;
  for (const Problem& problem : plan.problems) {
    const CallCost cost = call_cost(problem);
    shares.push_back({problem.weight, problem.weight * cost.bytes, problem.weight * cost.seconds()});
    sum.calls += shares.back().calls;
    sum.bytes += shares.back().bytes;
    sum.time += shares.back().time;
  }
  for (WeightShares& share : shares) {
    share = {share.calls / sum.calls, share.bytes / sum.bytes, share.time / sum.time};
  }
  return shares;
}

std::string weights_text(const Plan& plan) {
  const std::vector<WeightShares> shares = weight_shares(plan);
  if (shares.empty()) return "";
  TextTable table({{"problem", Align::left, 0, Cut::middle},
                   {"weight", Align::right},
                   {"calls", Align::right},
                   {"bytes", Align::right},
                   {"time", Align::right},
                   {"stands for", Align::left, 0, Cut::end}});
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const Problem& problem = plan.problems[i];
    table.add({problem.name, fmt::format("{:.4g}", problem.weight), percent_text(shares[i].calls),
               percent_text(shares[i].bytes), percent_text(shares[i].time), problem.source});
  }
  return fmt::format(
      "\nShares of the weighted sums; times are the longer of {:g} TB/s and {:g} TFLOP/s.\n\n{}",
      kNominalBytesPerS * 1e-12, kNominalFlopsPerS * 1e-12, table.text({.width = output_width()}));
}

Json to_json(const WeightShares& shares) {
  return {{"calls", shares.calls}, {"bytes", shares.bytes}, {"time", shares.time}};
}

}  // namespace flashcore
