// What every e4m3 family is asked, beside cases().
#pragma once

#include "emulated/kernel_test.hpp"

namespace flashcore::emulated {

// Heads, each with factors of its own, and O in fp16.
std::vector<Case> cases_of_factors();

void expect_right_on_special_inputs(const CompiledKernel& variant);

// A launch without factors is one with factors of 1: O is the same bits. For a variant of head_dim 128.
void expect_missing_factors_are_one(const CompiledKernel& variant);

}  // namespace flashcore::emulated
