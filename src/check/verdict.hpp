// The verdict on an output, the same for every backend.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/policy.hpp"
#include "kernels/reference/difference.hpp"
#include "record/record.hpp"

namespace flashcore {

// ‖out − ref‖₂ / ‖ref‖₂ of one head, of the output and of an unfused attention.
struct HeadError {
  double rel_l2 = 0;
  double unfused_rel_l2 = 0;
};

// The comparison of one output with its reference.
struct Observation {
  ErrorNorms error;                              // of O against the FP32 reference
  std::vector<HeadError> heads = {};             // [batch, heads_q]; empty: not compared one by one
  std::optional<ErrorNorms> lse = std::nullopt;  // of the log-sum-exp output, when asked for
  std::int64_t unwritten = 0;                    // elements of O that still hold poison
  std::int64_t lse_unwritten = 0;                // the same of the log-sum-exp output
  std::int64_t out_of_bounds = 0;                // elements changed in gaps and guards
  std::int64_t past_workspace = 0;               // FP32 words changed around the workspace
};

// The norms of a comparison of `count` elements. worst_index is the index of an element that is not written,
// or else of one that is not finite, or else of the largest error. Errors are NaN if no finite element could
// be compared.
ErrorNorms error_norms(const kernels::DifferenceSums& sums, std::int64_t count);
// The same for an unfused attention. Its errors set limits, so they are 0 instead of NaN.
ErrorNorms unfused_norms(const kernels::DifferenceSums& sums, std::int64_t count);
// ‖out − ref‖₂ / ‖ref‖₂, or ‖out‖₂ if the reference is zero.
double relative_l2(const kernels::DifferenceSums& sums);
kernels::DifferenceSums total(std::span<const kernels::DifferenceSums> parts);

// Passes if no element is unwritten, written out of bounds, or non-finite where the reference is finite (or
// the reverse), and if the errors are within the limits, over all elements and in each head. The limits
// follow from CheckPolicy and the errors of an unfused attention. The reason names the worst element and its
// place.
Check judge(const Problem& problem, const Observation& seen, const ErrorNorms& unfused_error,
            const CheckPolicy& policy);

// The reason why a sample did not pass Executor::verify_sample().
std::string sample_reason(TimingMode mode, const Check& check);

}  // namespace flashcore
