// A kernel, compiled from its own source for the emulated machine, against the reference.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "core/problem.hpp"
#include "emulated/machine/failure.hpp"
#include "kernels/common/cuda_variant.cuh"
#include "run/cpu_problem.hpp"

namespace flashcore::emulated {

struct Case {
  std::string name;
  Problem problem;  // head_dim and dtype are the variant's
};

// Small problems that tend to break kernels: lengths around tile edges, masks, grouped heads, strides.
std::vector<Case> cases();

inline std::string case_name(const testing::TestParamInfo<Case>& instance) { return instance.param.name; }

// Empty when the variant's output passes the check, else what is wrong.
std::string failure_of(const Variant& variant, Problem problem, std::uint64_t seed);

// Runs every variant under several schedules.
template <class Variants>
void expect_right(const Variants& variants, const Problem& problem) {
  for (const Variant& variant : variants) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      EXPECT_EQ(failure_of(variant, problem, seed), "") << variant.id() << ", schedule " << seed;
    }
  }
}

}  // namespace flashcore::emulated
