// Cases for every e4m3 family, in addition to cases().
#pragma once

#include "emulated/kernel_test.hpp"

namespace flashcore::emulated {

// Problems whose heads have different factors, with O in fp16.
std::vector<Case> cases_of_factors();

void expect_right_on_special_inputs(const CompiledKernel& variant);

// Expects that many equal values have this value as their mean, though products of one byte are summed narrowly.
void expect_exact_means(const CompiledKernel& variant);

// Expects the same bits of O without factors and with factors of 1. For a variant of head_dim 128.
void expect_missing_factors_are_one(const CompiledKernel& variant);

}  // namespace flashcore::emulated
