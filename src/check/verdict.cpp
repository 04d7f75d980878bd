#include "check/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "attention/sequence_plan.hpp"

namespace flashcore {
namespace {

// The floor of the limits. With one visible key, the output is a row of V, and the unfused attention may be
// exact. With few elements, its errors may be small by chance. A variant may still round its output once
// more. Elements are rarely larger than four times their root mean square. Over many elements, rounding
// errors average to about half of the largest.
constexpr double kFloorElementRms = 4;
constexpr double kFloorRoundings = 0.5;

// The log-sum-exp is FP32 for every dtype. Its error comes from FP32 dot products and grows with the scores.
constexpr double kLseAbsolute = 1e-3;
constexpr double kLseRelative = 1e-5;
// The tensor cores of compute capability 9.0 add products of 8-bit elements with about 14 bits (DeepSeek-AI:
// "DeepSeek-V3 Technical Report", 2024, section 3.3.2): each product of a score loses up to 2^-14 of the sum,
// and half of that on average.
constexpr double kScaledLseAbsolute = 2e-3;
constexpr double kScaledProductRelative = 1.0 / (1 << 15);

// A log-sum-exp is at most log(seq_kv) above the row's highest score, so the rest of it comes from the
// scores.
double score_size(const Problem& problem, double lse_rms) {
  return std::max(0.0, lse_rms - std::log(static_cast<double>(problem.seq_kv)));
}

double lse_limit(const Problem& problem, double lse_rms) {
  if (!traits(problem.dtype).scaled) return kLseAbsolute + kLseRelative * lse_rms;
  const double score_relative = kScaledProductRelative * static_cast<double>(problem.head_dim);
  return kScaledLseAbsolute + kLseRelative * lse_rms + score_relative * score_size(problem, lse_rms);
}

CheckLimit limits(const Problem& problem, const Observation& seen, const ErrorNorms& unfused_error,
                  const CheckPolicy& policy) {
  const double rounding = unit_roundoff(output_dtype(problem));
  CheckLimit limit;
  limit.max_abs = policy.unfused_factor * unfused_error.max_abs +
                  kFloorElementRms * rounding * unfused_error.reference_rms;
  limit.rel_l2 = policy.unfused_factor * unfused_error.rel_l2 + kFloorRoundings * rounding;
  if (policy.max_abs > 0) limit.max_abs = std::min(limit.max_abs, policy.max_abs);
  if (policy.rel_l2 > 0) limit.rel_l2 = std::min(limit.rel_l2, policy.rel_l2);
  if (seen.lse) limit.lse_max_abs = lse_limit(problem, seen.lse->reference_rms);
  return limit;
}

// " at (batch 0, head 3, row 25, column 1)", or an empty text if the index is negative.
std::string place(const Problem& problem, std::int64_t index) {
  if (index < 0) return "";
  const OutputPlace at = output_place(problem, index, value_columns(problem));
  return fmt::format(" at (batch {}, head {}, row {}, column {})", at.sequence, at.head, at.row, at.column);
}

std::string lse_place(const Problem& problem, std::int64_t index) {
  if (index < 0) return "";
  const OutputPlace at = output_place(problem, index, 1);
  return fmt::format(" at (batch {}, head {}, row {})", at.sequence, at.head, at.row);
}

// Comparisons are written so that NaN exceeds every limit.
bool within(double value, double limit) { return value <= limit; }

std::string lse_reason(const Problem& problem, const ErrorNorms& lse, const CheckLimit& limit) {
  if (lse.nonfinite > 0) {
    return fmt::format("{} of the log-sum-exp values are finite where the reference is not, or the reverse{}",
                       lse.nonfinite, lse_place(problem, lse.worst_index));
  }
  if (!within(lse.max_abs, limit.lse_max_abs)) {
    return fmt::format("the log-sum-exp is off by {:.3g} (limit {:.3g}){}", lse.max_abs, limit.lse_max_abs,
                       lse_place(problem, lse.worst_index));
  }
  return "";
}

// Errors of a head with few rows vary more than errors of the whole output.
double head_limit(const Problem& problem, const HeadError& head, std::int64_t rows,
                  const ErrorNorms& unfused_error, const CheckPolicy& policy) {
  const double few_rows = 1 + 1 / std::sqrt(static_cast<double>(rows));
  const double unfused = std::max(head.unfused_rel_l2, unfused_error.rel_l2);
  return few_rows *
         (policy.unfused_factor * unfused + kFloorRoundings * unit_roundoff(output_dtype(problem)));
}

// The error of the whole output does not show one wrong head among many right heads.
std::string head_reason(const Problem& problem, const Observation& seen, const ErrorNorms& unfused_error,
                        const CheckPolicy& policy) {
  for (std::size_t i = 0; i < seen.heads.size(); ++i) {
    const auto head = static_cast<std::int64_t>(i);
    const std::int64_t rows = problem.lengths
                                  ? problem.lengths->q[static_cast<std::size_t>(head / problem.heads_q)]
                                  : problem.seq_q;
    if (rows == 0) continue;
    const double limit = head_limit(problem, seen.heads[i], rows, unfused_error, policy);
    if (within(seen.heads[i].rel_l2, limit)) continue;
    return fmt::format("the relative L2 error of one head is {:.3g} (limit {:.3g}) at (batch {}, head {})",
                       seen.heads[i].rel_l2, limit, head / problem.heads_q, head % problem.heads_q);
  }
  return "";
}

// The reason why the whole output does not pass, in one sentence; empty if it passes.
std::string reason(const Problem& problem, const Observation& seen, const CheckLimit& limit) {
  const ErrorNorms& error = seen.error;
  const std::string where = place(problem, error.worst_index);
  if (seen.out_of_bounds > 0) {
    return fmt::format("{} elements outside of the output were written", seen.out_of_bounds);
  }
  if (seen.past_workspace > 0) {
    return fmt::format("writes past its workspace: {} words around it have changed", seen.past_workspace);
  }
  if (seen.unwritten > 0) return fmt::format("{} elements were not written{}", seen.unwritten, where);
  if (seen.lse_unwritten > 0) {
    return fmt::format("{} log-sum-exp values were not written", seen.lse_unwritten);
  }
  if (error.nonfinite > 0) {
    return fmt::format("{} elements are not finite where the reference is, or the reverse{}", error.nonfinite,
                       where);
  }
  if (!within(error.max_abs, limit.max_abs)) {
    return fmt::format("the largest error is {:.3g} (limit {:.3g}){}", error.max_abs, limit.max_abs, where);
  }
  if (!within(error.rel_l2, limit.rel_l2)) {
    return fmt::format("the relative L2 error is {:.3g} (limit {:.3g}), the largest error {:.3g}{}",
                       error.rel_l2, limit.rel_l2, error.max_abs, where);
  }
  return "";
}

}  // namespace

double relative_l2(const kernels::DifferenceSums& sums) {
  const double reference = sums.reference_square_sum > 0 ? std::sqrt(sums.reference_square_sum) : 1.0;
  return std::sqrt(sums.square_sum) / reference;
}

ErrorNorms error_norms(const kernels::DifferenceSums& sums, std::int64_t count) {
  ErrorNorms norms;
  if (sums.max_abs < 0 && sums.nonfinite + sums.unwritten > 0) {
    norms.max_abs = norms.mean_abs = norms.rel_l2 = std::numeric_limits<double>::quiet_NaN();
  } else {
    norms.max_abs = std::max(0.0, sums.max_abs);
    norms.mean_abs = sums.abs_sum / static_cast<double>(count);
    norms.rel_l2 = relative_l2(sums);
  }
  norms.nonfinite = sums.nonfinite;
  norms.worst_index = sums.unwritten_index >= 0   ? sums.unwritten_index
                      : sums.nonfinite_index >= 0 ? sums.nonfinite_index
                                                  : sums.worst_index;
  norms.reference_rms = std::sqrt(sums.reference_square_sum / static_cast<double>(count));
  return norms;
}

ErrorNorms unfused_norms(const kernels::DifferenceSums& sums, std::int64_t count) {
  ErrorNorms norms = error_norms(sums, count);
  if (std::isnan(norms.max_abs)) norms.max_abs = norms.mean_abs = norms.rel_l2 = 0;
  return norms;
}

kernels::DifferenceSums total(std::span<const kernels::DifferenceSums> parts) {
  kernels::DifferenceSums sums;
  for (const kernels::DifferenceSums& part : parts) merge(sums, part);
  return sums;
}

std::string sample_reason(TimingMode mode, const Check& check) {
  return fmt::format("in samples of {}, on new inputs: {}", to_string(mode), check.reason);
}

Check judge(const Problem& problem, const Observation& seen, const ErrorNorms& unfused_error,
            const CheckPolicy& policy) {
  Check check;
  check.error = seen.error;
  check.limit = limits(problem, seen, unfused_error, policy);
  check.unfused_max_abs = unfused_error.max_abs;
  check.unfused_rel_l2 = unfused_error.rel_l2;
  if (seen.lse) check.lse_max_abs = seen.lse->max_abs;
  check.unwritten = seen.unwritten + seen.lse_unwritten;
  check.out_of_bounds = seen.out_of_bounds;
  check.reason = reason(problem, seen, check.limit);
  if (check.reason.empty()) check.reason = head_reason(problem, seen, unfused_error, policy);
  if (check.reason.empty() && seen.lse) check.reason = lse_reason(problem, *seen.lse, check.limit);
  check.passed = check.reason.empty();
  return check;
}

}  // namespace flashcore
