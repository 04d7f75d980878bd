// Problems on which batch invariance is tested: equal sequences, a ragged batch with sinks, and the same in pages.
#pragma once

#include <vector>

#include "attention/problem.hpp"

namespace flashcore::testing {

inline Problem rectangular() {
  Problem problem{.batch = 2, .heads_q = 2, .heads_kv = 1, .seq_q = 40, .seq_kv = 70, .causal = true};
  problem.scale = default_scale(problem.head_dim);
  return problem;
}

inline Problem ragged() {
  Problem problem = rectangular();
  problem.lengths = Lengths{.q = {3, 1}, .kv = {40, 7}};
  problem.sinks = true;
  problem.layout = default_layout(problem);
  apply_lengths(problem);
  return problem;
}

inline Problem paged() {
  Problem problem = ragged();
  problem.kv = {.layout = KvKind::paged, .page_size = 16};
  return problem;
}

inline std::vector<Problem> batch_problems() { return {rectangular(), ragged(), paged()}; }

}  // namespace flashcore::testing
