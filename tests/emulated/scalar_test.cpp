#include "emulated/kernel_test.hpp"
#include "kernels/scalar/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::make_kernel;
using kernels::ScalarKernel;

const std::vector<CompiledKernel> kVariants{
    make_kernel<ScalarKernel<VariantSpec{Dtype::fp16, 64, {4, 8, 4, 1}}>>(),
    make_kernel<ScalarKernel<VariantSpec{Dtype::bf16, 128, {4, 4, 4, 1}}>>(),
};

class EmulatedScalarTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedScalarTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedScalarTest, testing::ValuesIn(short_cases()), case_name);

}  // namespace
}  // namespace flashcore::emulated
