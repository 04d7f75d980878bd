// Checks a kernel, compiled from its own source for the emulated machine, against the reference.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "emulated/machine/failure.hpp"
#include "kernels/common/cuda_variant.cuh"
#include "unit/support/host_buffers.hpp"

namespace flashcore::emulated {

struct Case {
  std::string name;
  Problem problem;  // head_dim and dtype come from the variant

  friend void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }
};

// Small problems that tend to break kernels: lengths around tile edges, masks, grouped heads, strides. The
// short list is for the families with simple tiles.
std::vector<Case> cases();
std::vector<Case> short_cases();

// For variants that pack query heads: groups of a power of two, up to the 64 rows of a box.
std::vector<Case> packable_cases();

inline std::string case_name(const testing::TestParamInfo<Case>& instance) { return instance.param.name; }

inline constexpr std::uint64_t kSchedules = 3;

// Empty when the variant's output passes the check under each of kSchedules orders of its threads, else a
// description of the failure.
std::string failure_of(const CompiledKernel& variant, Problem problem,
                       kernels::InputKind inputs = kernels::InputKind::normal);

// Scores far below zero: rising from tile to tile, in one tile, of one key.
void expect_right_on_low_scores(const CompiledKernel& variant);

// Strides of 0 between heads or batches of K and V, and batches 2^31 elements apart: right, or refused in words.
void expect_right_or_refused_on_strides(const CompiledKernel& variant);

template <class Variants>
void expect_right(const Variants& variants, const Problem& problem) {
  for (const CompiledKernel& variant : variants) EXPECT_EQ(failure_of(variant, problem), "") << variant.id();
}

}  // namespace flashcore::emulated
