#include "emulated/kernel_test.hpp"
#include "kernels/wmma/kernel.cuh"
#include "kernels/wmma_async/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::make_kernel;
using kernels::WmmaAsyncKernel;
using kernels::WmmaKernel;

const std::vector<CompiledKernel> kVariants{
    make_kernel<WmmaKernel<VariantSpec{Dtype::fp16, 64, {32, 32, 4, 1}}>>(),
    make_kernel<WmmaKernel<VariantSpec{Dtype::bf16, 64, {16, 64, 4, 1}}>>(),
};

const std::vector<CompiledKernel> kAsyncVariants{
    make_kernel<WmmaAsyncKernel<VariantSpec{Dtype::bf16, 64, {32, 32, 4, 1}}>>(),
    make_kernel<WmmaAsyncKernel<VariantSpec{Dtype::fp16, 64, {32, 64, 4, 2}}>>(),
    make_kernel<WmmaAsyncKernel<VariantSpec{Dtype::fp16, 96, {32, 32, 4, 3}}>>(),
};

class EmulatedWmmaTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedWmmaTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }
TEST_P(EmulatedWmmaTest, AsyncAgreesWithTheReference) { expect_right(kAsyncVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedWmmaTest, testing::ValuesIn(short_cases()), case_name);

}  // namespace
}  // namespace flashcore::emulated
