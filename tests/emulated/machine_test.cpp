// The emulated machine itself, on short kernels that have one fault each.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "emulated/machine/block.hpp"
#include "emulated/machine/failure.hpp"
#include "kernels/common/gpu.hpp"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm89.cuh"
#include "kernels/ptx/sm90.cuh"

namespace flashcore::emulated {
namespace {

namespace ptx = kernels::ptx;

constexpr int kSmemBytes = 4096;

void launch(unsigned threads, const std::function<void()>& kernel, unsigned cluster = 1) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {cluster, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(cluster);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = kSmemBytes;
  config.attrs = &attribute;
  config.numAttrs = 1;
  launch_grid(config, kernel);
}

// The failure's text, empty when there is none.
std::string failure_of(unsigned threads, const std::function<void()>& kernel, unsigned cluster = 1) {
  try {
    launch(threads, kernel, cluster);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return {};
}

void expect_failure(std::string_view text, unsigned threads, const std::function<void()>& kernel,
                    unsigned cluster = 1) {
  const std::string failure = failure_of(threads, kernel, cluster);
  EXPECT_NE(failure.find(text), std::string::npos) << failure;
}

int* shared_ints() { return reinterpret_cast<int*>(ptx::dynamic_smem()); }
std::uint32_t smem_begin() { return ptx::smem_address(ptx::dynamic_smem()); }

TEST(EmulatedMachineTest, DeadlockListsWaitingThreads) {
  const auto kernel = [] {
    if (threadIdx.x != 0) __syncthreads();
  };
  const std::string failure = failure_of(64, kernel);
  EXPECT_NE(failure.find("thread 0 and 0 more: has ended"), std::string::npos) << failure;
  EXPECT_NE(failure.find("thread 1 and 62 more: waits for barrier 0, at which 63 of 64 threads have arrived"),
            std::string::npos)
      << failure;
}

TEST(EmulatedMachineTest, LanesMustMeetForTheSameInstruction) {
  expect_failure("while other lanes of its warp are at", 32, [] {
    if (threadIdx.x == 7) {
      __any_sync(kernels::kAllLanes, true);
    } else {
      __syncwarp();
    }
  });
}

// Each thread writes, then reads the value of the next one.
int wrong_schedules(bool with_barrier) {
  int wrong = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    set_schedule_seed(seed);
    int stale = 0;
    launch(128, [&] {
      shared_ints()[threadIdx.x] = 1;
      if (with_barrier) __syncthreads();
      if (shared_ints()[(threadIdx.x + 1) % 128] != 1) ++stale;
    });
    wrong += stale > 0;
  }
  return wrong;
}

TEST(EmulatedMachineTest, MissingBarrierShows) {
  EXPECT_EQ(wrong_schedules(true), 0);
  EXPECT_EQ(wrong_schedules(false), 20);
}

TEST(EmulatedMachineTest, CopiesArriveWithTheWaitThatCoversThem) {
  alignas(16) static const int source[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  set_schedule_seed(1);
  launch(32, [] {
    if (threadIdx.x != 0) return;
    shared_ints()[0] = shared_ints()[4] = 9;
    ptx::cp_async_16(smem_begin(), source);
    ptx::cp_async_commit();
    ptx::cp_async_16(smem_begin() + 16, source + 4);
    ptx::cp_async_commit();
    EXPECT_EQ(shared_ints()[0], -1);  // poison, not the old value
    ptx::cp_async_wait<1>();
    EXPECT_EQ(shared_ints()[0], 1);
    EXPECT_EQ(shared_ints()[4], -1);
    ptx::cp_async_wait<0>();
    EXPECT_EQ(shared_ints()[4], 5);
  });
}

TEST(EmulatedMachineTest, SharedMemoryHasAnEnd) {
  alignas(16) static const int source[4] = {};
  expect_failure("16 bytes at 4096 of 4096", 32, [] { ptx::cp_async_16(smem_begin() + kSmemBytes, source); });
  expect_failure("not aligned to 16 bytes", 32, [] { ptx::cp_async_16(smem_begin() + 8, source); });
  expect_failure("4 bytes behind the end", 32, [] { shared_ints()[kSmemBytes / 4 + 1] = 0; });
}

TEST(EmulatedMachineTest, BarriersHavePhasesAndCountBytes) {
  launch(64, [] {
    if (threadIdx.x == 0) ptx::mbarrier_init(smem_begin(), 2);
    __syncthreads();
    if (threadIdx.x == 0) {
      shared_ints()[8] = 1;
      ptx::mbarrier_arrive(smem_begin());
      ptx::mbarrier_try_wait(smem_begin(), 0);
      EXPECT_EQ(shared_ints()[9], 2);
    } else if (threadIdx.x == 32) {
      shared_ints()[9] = 2;
      ptx::mbarrier_arrive(smem_begin());
      ptx::mbarrier_try_wait(smem_begin(), 0);
      EXPECT_EQ(shared_ints()[8], 1);
    }
  });
  expect_failure("lacks 0 arrivals and 64 bytes", 32, [] {
    if (threadIdx.x != 0) return;
    ptx::mbarrier_init(smem_begin(), 1);
    ptx::mbarrier_arrive_expect_bytes(smem_begin(), 64);
    ptx::mbarrier_try_wait(smem_begin(), 0);
  });
  expect_failure("there is no mbarrier at 8", 32, [] { ptx::mbarrier_arrive(smem_begin() + 8); });
}

// The element formulas of PTX ISA, "Matrix Fragments for mma.m16n8k32", with i from 0 to 15 for a and to 7
// for b.
TEST(EmulatedMachineTest, ProductsOfBytesHaveTheirFragments) {
  const auto a_at = [](int row, int k) { return static_cast<float>((row * 5 + k * 3) % 17 - 8); };
  const auto b_at = [](int k, int column) { return static_cast<float>((k * 7 + column * 11) % 13 - 6); };
  launch(32, [&] {
    const int group = static_cast<int>(threadIdx.x) / 4;
    const int thread = static_cast<int>(threadIdx.x) % 4;
    const auto a_element = [&](int i) {
      const int row = i < 4 || (i >= 8 && i < 12) ? group : group + 8;
      return a_at(row, thread * 4 + (i & 3) + (i < 8 ? 0 : 16));
    };
    const auto b_element = [&](int i) { return b_at(thread * 4 + (i & 3) + (i < 4 ? 0 : 16), group); };
    const auto pack = [](const auto& element, int i) {
      return ptx::pack_e4m3(element(i), element(i + 1), element(i + 2), element(i + 3));
    };
    const std::uint32_t a[] = {pack(a_element, 0), pack(a_element, 4), pack(a_element, 8),
                               pack(a_element, 12)};
    float d[4] = {1, 2, 3, 4};
    ptx::mma_m16n8k32_e4m3(d, a, pack(b_element, 0), pack(b_element, 4));
    for (int i = 0; i < 4; ++i) {
      float expected = static_cast<float>(i + 1);
      for (int k = 0; k < 32; ++k) {
        expected += a_at(i < 2 ? group : group + 8, k) * b_at(k, thread * 2 + (i & 1));
      }
      EXPECT_EQ(d[i], expected);
    }
  });
}

TEST(EmulatedMachineTest, ClustersReadEachOthersMemory) {
  const auto read_neighbour = [](bool wait) {
    *reinterpret_cast<float2*>(ptx::dynamic_smem()) = make_float2(static_cast<float>(blockIdx.x), 0);
    ptx::cluster_barrier();
    const int neighbour = 1 - static_cast<int>(blockIdx.x);
    const float2 read = ptx::load_cluster_float2(ptx::map_to_block(smem_begin(), neighbour));
    EXPECT_EQ(read.x, static_cast<float>(neighbour));
    if (wait) ptx::cluster_barrier();
  };
  launch(
      32, [&] { read_neighbour(true); }, 2);
  int failures = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    set_schedule_seed(seed);
    failures += !failure_of(
                     32, [&] { read_neighbour(false); }, 2)
                     .empty();
  }
  EXPECT_GT(failures, 0);  // a block ended while the other still read from it
}

}  // namespace
}  // namespace flashcore::emulated
