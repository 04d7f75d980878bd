// The cases of a deep check: small problems and inputs on which kernels tend to break. docs/checking.md lists them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "kernels/common/inputs.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// One small problem with its inputs, and a name that stands in reasons. Its problem asks for the log-sum-exp unless the
// name ends with "_no_lse".
struct CheckCase {
  std::string name;
  Problem problem;
  kernels::InputKind inputs = kernels::InputKind::normal;
  std::uint64_t seed = 0;

  bool operator==(const CheckCase&) const = default;
};

// The cases of every variant on this problem: its dtype, head_dim, head group, mask and soft cap on small
// sizes, with adversarial and non-finite inputs, fully masked rows, gaps in memory and further seeds.
std::vector<CheckCase> common_cases(const Problem& problem, std::uint64_t seed);

// Lengths of 1, of a tile, of one more and one less, and of two tiles, for queries and keys in every combination.
std::vector<CheckCase> edge_cases(const Problem& problem, const Tile& tile, std::uint64_t seed);

}  // namespace flashcore
