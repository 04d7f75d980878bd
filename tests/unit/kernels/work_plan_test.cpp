#include "kernels/blocks/work_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "unit/support/one_thread_team.hpp"

namespace flashcore::kernels {
namespace {

struct Batch {
  std::vector<std::int32_t> queries, keys;
  WorkShape shape;

  std::vector<std::int32_t> first_query{0};

  // Sets what follows from the lengths.
  void finish() {
    shape.sequences.batch = static_cast<std::int32_t>(queries.size());
    shape.sequences.seq_q = *std::max_element(queries.begin(), queries.end());
    shape.sequences.seq_kv = *std::max_element(keys.begin(), keys.end());
    for (const std::int32_t count : queries) first_query.push_back(first_query.back() + count);
    shape.sequences.total_q = std::max(1, first_query.back());
    shape.sequences.cu_seqlens_q = first_query.data();
    shape.sequences.seqused_k = keys.data();
    shape.capacity = shape.most_items();
  }
};

class MadePlan {
 public:
  explicit MadePlan(const WorkShape& shape)
      : memory_(WorkPlan::bytes(shape) / sizeof(WorkPlace) + 1), plan_(memory_.data(), shape) {
    OneThreadTeam team;
    make_work_plan(shape, plan_, team);
  }
  const WorkPlan& operator*() const { return plan_; }

 private:
  std::vector<WorkPlace> memory_;
  WorkPlan plan_;
};

using TaskId = std::tuple<int, int, int>;  // sequence, tile, head
struct Piece {
  int begin;
  int end;
  int worker;
  bool operator<(const Piece& other) const { return std::tie(begin, end) < std::tie(other.begin, other.end); }
};
using Pieces = std::map<TaskId, std::vector<Piece>>;

Pieces pieces_of(const WorkShape& shape, const WorkPlan& plan) {
  Pieces pieces;
  for (int worker = 0; worker < shape.workers; ++worker) {
    WorkerTasks tasks(plan, shape.heads, shape.workers, worker);
    WorkTask task;
    while (tasks.next(task)) {
      pieces[{task.item.sequence, task.item.tile, task.head}].push_back({task.begin, task.end, worker});
    }
  }
  return pieces;
}

// The reference: all tasks, with their key blocks found key by key.
std::map<TaskId, KeyRange> expected_tasks(const Batch& batch) {
  std::map<TaskId, KeyRange> expected;
  const WorkShape& shape = batch.shape;
  for (int s = 0; s < static_cast<int>(batch.queries.size()); ++s) {
    const int rows = batch.queries[s] * shape.rows_per_query;
    for (int tile = 0; tile * shape.block_q < rows; ++tile) {
      KeyRange blocks{0, 0};
      for (int row = tile * shape.block_q; row < std::min(rows, (tile + 1) * shape.block_q); ++row) {
        const KeyRange seen = shape.window.keys(row / shape.rows_per_query, batch.queries[s], batch.keys[s]);
        if (seen.begin >= seen.end) continue;
        const KeyRange of_row{seen.begin / shape.block_kv, (seen.end - 1) / shape.block_kv + 1};
        blocks = blocks.begin == blocks.end
                     ? of_row
                     : KeyRange{std::min(blocks.begin, of_row.begin), std::max(blocks.end, of_row.end)};
      }
      for (int head = 0; head < shape.heads; ++head) expected[{s, tile, head}] = blocks;
    }
  }
  return expected;
}

// Each task's keys are there once. Tasks in one piece are merged by nobody, others by the worker that begins them.
void expect_covered(const Batch& batch, const WorkPlan& plan) {
  const WorkShape& shape = batch.shape;
  const std::map<TaskId, KeyRange> expected = expected_tasks(batch);
  Pieces pieces = pieces_of(shape, plan);
  ASSERT_LE(plan.counts->items, shape.capacity);
  ASSERT_EQ(pieces.size(), expected.size());
  int merges = 0;
  for (auto& [id, found] : pieces) {
    ASSERT_TRUE(expected.contains(id));
    std::sort(found.begin(), found.end());
    int reached = 0;
    for (const Piece& piece : found) {
      EXPECT_EQ(piece.begin, reached);
      reached = piece.end;
      EXPECT_EQ(piece.begin % shape.granularity, 0);
    }
    const KeyRange blocks = expected.at(id);
    EXPECT_EQ(reached, blocks.end - blocks.begin);
    if (found.size() > 1) {
      ++merges;
      const WorkMerge& merge = plan.merges[found.front().worker];
      ASSERT_EQ(merge.last_worker, found.back().worker);
      EXPECT_EQ(merge.head, std::get<2>(id));
      EXPECT_EQ(plan.items[merge.item].sequence, std::get<0>(id));
      EXPECT_EQ(plan.items[merge.item].tile, std::get<1>(id));
      // Partial results are added in the order of workers, which is that of keys.
      for (std::size_t i = 1; i < found.size(); ++i) EXPECT_LT(found[i - 1].worker, found[i].worker);
      // Who merges takes no worker in between that has no piece of the task for one that has.
      for (int worker = found.front().worker + 1; worker <= merge.last_worker; ++worker) {
        const bool has_piece = std::any_of(found.begin(), found.end(),
                                           [&](const Piece& piece) { return piece.worker == worker; });
        EXPECT_EQ(continues_task(plan, worker), has_piece);
      }
    }
  }
  int listed = 0;
  for (int worker = 0; worker < shape.workers; ++worker) listed += plan.merges[worker].last_worker > 0;
  EXPECT_EQ(listed, merges);
}

void expect_balanced(const WorkShape& shape, const WorkPlan& plan) {
  std::int64_t total = 0;
  std::int64_t highest_block = 0;
  for (int i = 0; i < plan.counts->items; ++i) {
    total += shape.cost(plan.items[i]) * shape.heads;
    highest_block = std::max(highest_block, shape.block_cost(plan.items[i]));
  }
  const std::int64_t target =
      std::max(ceil_div(total, std::int64_t{shape.workers}), 2 * std::int64_t{shape.costs.fixed});
  for (int worker = 0; worker < shape.workers; ++worker) {
    WorkerTasks tasks(plan, shape.heads, shape.workers, worker);
    WorkTask task;
    std::int64_t cost = 0;
    while (tasks.next(task)) {
      cost += shape.costs.fixed + (task.end - task.begin) * shape.block_cost(task.item);
    }
    EXPECT_LE(cost, target + 2 * shape.costs.fixed + shape.granularity * highest_block)
        << "worker " << worker;
  }
}

// Backwards a worker has the same tasks: those of the rest, then those of the rounds, the last round first.
void expect_same_backwards(const WorkShape& shape, const WorkPlan& plan) {
  const auto tasks_of = [&](int worker, auto next) {
    WorkerTasks tasks(plan, shape.heads, shape.workers, worker);
    std::vector<std::array<int, 5>> all;
    for (WorkTask task; next(tasks, task);)
      all.push_back({task.item.sequence, task.item.tile, task.head, task.begin, task.end});
    return all;
  };
  for (int worker = 0; worker < shape.workers; ++worker) {
    auto forwards = tasks_of(worker, [](auto& tasks, auto& task) { return tasks.next(task); });
    const auto backwards =
        tasks_of(worker, [](auto& tasks, auto& task) { return tasks.next_backwards(task); });
    const auto rest = forwards.begin() + plan.counts->rounds;
    std::reverse(forwards.begin(), rest);
    std::rotate(forwards.begin(), rest, forwards.end());
    EXPECT_EQ(backwards, forwards) << "worker " << worker;
  }
}

void expect_right(const Batch& batch) {
  const MadePlan plan(batch.shape);
  expect_same_backwards(batch.shape, *plan);
  expect_covered(batch, *plan);
  expect_balanced(batch.shape, *plan);
}

Batch random_batch(std::mt19937& random) {
  const auto below = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  Batch batch;
  const int sequences = 1 + below(below(3) == 0 ? 60 : 6);
  for (int i = 0; i < sequences; ++i) {
    batch.queries.push_back(below(3) == 0 ? below(400) : below(3));
    batch.keys.push_back(below(4) == 0 ? below(20'000) : below(300));
  }
  batch.shape.window.left = below(3) == 0 ? below(200) : -1;
  batch.shape.window.right = below(2) == 0 ? below(2) * below(100) : -1;
  batch.shape.heads = 1 + below(9);
  batch.shape.rows_per_query = 1 + below(8);
  batch.shape.block_q = 16 << below(4);
  batch.shape.row_group = 16;
  batch.shape.block_kv = 32 << below(2);
  batch.shape.granularity = 1 + below(3);
  batch.shape.workers = 1 + below(below(2) == 0 ? 300 : 8);
  batch.shape.costs = {
      .read = 1 + below(2000), .read_l2 = below(1000), .products = below(1000), .fixed = 1 + below(3000)};
  batch.finish();
  return batch;
}

TEST(WorkPlanTest, DealsRandomBatchesOnceAndEvenly) {
  std::mt19937 random(7);
  for (int i = 0; i < 3000 && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(i);
    expect_right(random_batch(random));
  }
}

Batch decode(std::vector<std::int32_t> keys, int heads, int workers) {
  Batch batch;
  batch.queries.assign(keys.size(), 1);
  batch.keys = std::move(keys);
  batch.shape.heads = heads;
  batch.shape.rows_per_query = 4;
  batch.shape.block_q = batch.shape.row_group = 16;
  batch.shape.block_kv = 64;
  batch.shape.workers = workers;
  batch.shape.costs = {.read = 2000, .read_l2 = 1000, .products = 350, .fixed = 2000};
  batch.finish();
  return batch;
}

TEST(WorkPlanTest, SharesOneLongSequenceAmongAllWorkers) {
  std::vector<std::int32_t> keys(32, 4096);
  keys[5] = 131'072;
  const Batch batch = decode(keys, 8, 264);
  const MadePlan plan(batch.shape);
  expect_covered(batch, *plan);
  expect_balanced(batch.shape, *plan);
  std::size_t most = 0;
  for (const auto& [id, pieces] : pieces_of(batch.shape, *plan)) most = std::max(most, pieces.size());
  EXPECT_GT(most, 15u);
}

TEST(WorkPlanTest, TakesShortSequencesWhole) {
  const Batch batch = decode(std::vector<std::int32_t>(1024, 128), 8, 264);
  const MadePlan plan(batch.shape);
  expect_covered(batch, *plan);
  EXPECT_EQ((*plan).counts->rounds, 1024 * 8 / 264);
}

TEST(WorkPlanTest, MakesNothingOfSequencesWithoutQueries) {
  Batch batch = decode({100, 0, 7}, 2, 4);
  batch.queries.assign(3, 0);
  std::fill(batch.first_query.begin(), batch.first_query.end(), 0);
  const MadePlan plan(batch.shape);
  EXPECT_EQ((*plan).counts->items, 0);
  EXPECT_TRUE(pieces_of(batch.shape, *plan).empty());
}

}  // namespace
}  // namespace flashcore::kernels
