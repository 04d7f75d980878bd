// Answers that repeat, bit for bit, a thousand times over, with most of the device's memory taken.
#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "check/cuda_check_device.hpp"
#include "check/problem_buffers.hpp"
#include "device/cuda_memory.hpp"
#include "gpu/gpu_test.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

constexpr int kRepeats = 1000;

// Counts the words of two buffers that differ.
__global__ void count_differences(const std::uint32_t* a, const std::uint32_t* b, std::int64_t words,
                                  unsigned long long* differences) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < words; i += stride) {
    if (a[i] != b[i]) atomicAdd(differences, 1ull);
  }
}

class RepeatTest : public GpuTest, public testing::WithParamInterface<std::tuple<std::int64_t, Dtype>> {
 protected:
  // Words of the output that any of the repeats had different from the first.
  unsigned long long differences(const Variant& variant, AttentionArgs args, std::size_t out_bytes) {
    const Memory workspace = allocate_cuda(static_cast<std::int64_t>(variant.workspace_bytes(args)));
    const Memory first = allocate_cuda(static_cast<std::int64_t>(out_bytes));
    const Memory count = allocate_cuda(sizeof(unsigned long long));
    args.workspace = workspace.data();
    cuda_check(cudaMemset(count.data(), 0, count.bytes()), "count");
    for (int repeat = 0; repeat <= kRepeats; ++repeat) {
      cuda_check(variant.launch(args, nullptr), variant.id());
      if (repeat == 0) {
        cuda_check(cudaMemcpy(first.data(), args.out, out_bytes, cudaMemcpyDeviceToDevice), "first answer");
        continue;
      }
      count_differences<<<128, 256>>>(static_cast<const std::uint32_t*>(args.out),
                                      static_cast<const std::uint32_t*>(first.data()),
                                      static_cast<std::int64_t>(out_bytes / sizeof(std::uint32_t)),
                                      static_cast<unsigned long long*>(count.data()));
    }
    unsigned long long result = 0;
    cuda_check(cudaMemcpy(&result, count.data(), sizeof(result), cudaMemcpyDeviceToHost), variant.id());
    return result;
  }
};

// Takes what memory is left but for a tenth, a quarter of a gigabyte at a time.
std::vector<Memory> fill_memory() {
  constexpr std::size_t kBlock = std::size_t{256} << 20;
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  cuda_check(cudaMemGetInfo(&free_bytes, &total_bytes), "memory");
  std::vector<Memory> blocks;
  for (std::size_t left = free_bytes; left > total_bytes / 10 + kBlock; left -= kBlock)
    blocks.push_back(allocate_cuda(static_cast<std::int64_t>(kBlock)));
  return blocks;
}

TEST_P(RepeatTest, AnswersAreTheSameEachTime) {
  const auto [head_dim, dtype] = GetParam();
  const Problem problem{.batch = 3,
                        .heads_q = 4,
                        .heads_kv = 2,
                        .seq_q = 203,
                        .seq_kv = 333,
                        .head_dim = head_dim,
                        .dtype = dtype,
                        .causal = true,
                        .scale = default_scale(head_dim)};
  executor().prepare(problem, 5);
  const std::unique_ptr<CheckDevice> device = make_cuda_check_device();
  const ProblemBuffers inputs(problem, 5, kernels::InputKind::normal, *device);
  device->wait("making inputs");  // the launches below are on another stream
  const std::size_t out_bytes =
      static_cast<std::size_t>(query_shape(problem).elements()) * size_bytes(output_dtype(problem));
  const std::vector<Memory> pressure = fill_memory();
  for (const Variant* variant : all_variants()) {
    if (!executor().unsupported(*variant).empty() || variant->role == Role::peer) continue;
    EXPECT_EQ(differences(*variant, inputs.args({}), out_bytes), 0u) << variant->id();
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, RepeatTest,
                         testing::Combine(testing::Values(32, 64, 96, 128, 256),
                                          testing::Values(Dtype::fp16, Dtype::e4m3)),
                         [](const auto& instance) {
                           std::string name(to_string(std::get<1>(instance.param)));
                           return name.append("_d").append(std::to_string(std::get<0>(instance.param)));
                         });

}  // namespace
}  // namespace flashcore
