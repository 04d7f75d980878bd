#include "attention/phase.hpp"

namespace flashcore {

Phase phase_of(const Problem& problem) {
  if (problem.seq_q <= kMaxDecodeQueries) return Phase::decode;
  if (!problem.lengths) return Phase::prefill;
  for (const std::int32_t queries : problem.lengths->q) {
    if (queries > 0 && queries <= kMaxDecodeQueries) return Phase::mixed;
  }
  return Phase::prefill;
}

}  // namespace flashcore
