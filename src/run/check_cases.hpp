// The cases of a deep check: small problems and inputs on which kernels tend to break. docs/checking.md lists
// them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "kernels/common/inputs.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// A small problem with its inputs, and a name for reasons. The problem asks for the log-sum-exp unless the
// name ends with "_no_lse".
struct CheckCase {
  std::string name;
  Problem problem;
  kernels::InputKind inputs = kernels::InputKind::normal;
  std::uint64_t seed = 0;
  int replays = 0;  // of samples with other lengths in the same memory, after the check of its own

  bool operator==(const CheckCase&) const = default;
};

// The cases that all variants share on this problem. They have its dtype, head_dim, head group, mask and soft
// cap, but small sizes. They cover adversarial and non-finite inputs, fully masked rows, gaps in memory,
// special strides and further seeds.
std::vector<CheckCase> common_cases(const Problem& problem, std::uint64_t seed);

// The cases around the edges of a tile: lengths of 1, one tile less 1, one tile, one tile and 1, and two
// tiles, for queries and keys in every combination.
std::vector<CheckCase> edge_cases(const Problem& problem, const Tile& tile, std::uint64_t seed);

}  // namespace flashcore
