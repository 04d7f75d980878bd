// The kernel that makes a plan, against the same plan made by one thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "emulated/machine/launch.hpp"
#include "kernels/blocks/work_plan_kernel.cuh"
#include "unit/support/one_thread_team.hpp"

namespace flashcore::emulated {
namespace {

using kernels::WorkPlan;
using kernels::WorkShape;

// The memory of a plan, poisoned.
struct PlanMemory {
  std::vector<kernels::WorkPlace> words;
  WorkPlan plan;

  explicit PlanMemory(const WorkShape& shape)
      : words(WorkPlan::bytes(shape) / sizeof(kernels::WorkPlace) + 1) {
    std::memset(static_cast<void*>(words.data()), 0x7F, words.size() * sizeof(kernels::WorkPlace));
    plan = WorkPlan(words.data(), shape);
  }
};

template <class T>
bool same(const T* a, const T* b, std::int64_t count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(T)) == 0;
}

void expect_same_plan(const WorkShape& shape) {
  PlanMemory expected(shape);
  OneThreadTeam team;
  make_work_plan(shape, expected.plan, team);
  PlanMemory found(shape);
  ASSERT_EQ(kernels::launch_work_plan(shape, found.words.data(), nullptr), cudaSuccess);
  EXPECT_TRUE(same(found.plan.counts, expected.plan.counts, 1));
  EXPECT_TRUE(same(found.plan.items, expected.plan.items, expected.plan.counts->items));
  EXPECT_TRUE(same(found.plan.starts, expected.plan.starts, shape.workers + 1));
  EXPECT_TRUE(same(found.plan.merges, expected.plan.merges, shape.workers));
}

WorkShape shape_of(std::vector<std::int32_t>& first_query, std::vector<std::int32_t>& keys) {
  WorkShape shape{.window = {.left = -1, .right = 0},
                  .costs = {.read = 500, .read_l2 = 250, .products = 90, .fixed = 400},
                  .heads = 3,
                  .rows_per_query = 5,
                  .block_q = 64,
                  .block_kv = 64,
                  .row_group = 16,
                  .workers = 264};
  shape.sequences = {.batch = static_cast<std::int32_t>(keys.size()),
                     .seq_q = 3000,
                     .seq_kv = 3000,
                     .cu_seqlens_q = first_query.data(),
                     .seqused_k = keys.data(),
                     .total_q = first_query.back()};
  shape.capacity = shape.most_items();
  return shape;
}

// More sequences, and more items, than a block has threads; and too many for its shared memory.
TEST(EmulatedWorkPlan, IsThatOfOneThread) {
  std::mt19937 random(3);
  for (const int sequences : {1, 40, 1500, 2500}) {
    for (std::uint64_t schedule = 1; schedule <= 2; ++schedule) {
      set_schedule_seed(schedule);
      std::vector<std::int32_t> queries(static_cast<std::size_t>(sequences)), keys(queries.size());
      std::vector<std::int32_t> first_query(queries.size() + 1);
      for (std::int32_t& count : queries)
        count = static_cast<std::int32_t>(random() % 8 == 0 ? random() % 400 : random() % 3);
      for (std::int32_t& count : keys) count = static_cast<std::int32_t>(random() % 3000);
      queries[0] = 1;
      std::partial_sum(queries.begin(), queries.end(), first_query.begin() + 1);
      SCOPED_TRACE(sequences);
      expect_same_plan(shape_of(first_query, keys));
    }
  }
}

TEST(EmulatedWorkPlan, NeedsMemory) {
  std::vector<std::int32_t> first_query{0, 1};
  std::vector<std::int32_t> keys{5};
  EXPECT_EQ(kernels::launch_work_plan(shape_of(first_query, keys), nullptr, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace flashcore::emulated
