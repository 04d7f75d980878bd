// Attention cases answered by PyTorch in float64; tests/golden/attention/make_golden.py tells their format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"

namespace flashcore {

struct GoldenCase {
  Problem problem;                     // layout bhsd
  std::vector<std::uint16_t> q, k, v;  // bits of problem.dtype
  std::vector<double> out;             // [batch, heads_q, seq_q, head_dim]
  std::vector<double> lse;             // [batch, heads_q, seq_q]

  // Sizes, mask and inputs; out and lse are null.
  AttentionArgs args() const {
    AttentionArgs arguments = attention_args(problem);
    arguments.q = q.data();
    arguments.k = k.data();
    arguments.v = v.data();
    return arguments;
  }
};

inline const char* const kGoldenCases[] = {
    "one", "tile", "causal_more_keys_gqa", "wide_head", "narrow_head", "causal_more_queries", "large_scores"};

GoldenCase read_golden_case(const std::string& name);

}  // namespace flashcore
