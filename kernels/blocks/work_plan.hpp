// A balanced plan: which blocks of a persistent grid, its workers, attend to which keys of which query tile. It is made
// once for a set of lengths, on the device, and serves all launches with these lengths.
//
// The cost of a task, one query tile of one head against all keys that it sees, is max(bytes / bandwidth, FLOPs / rate)
// per key block, and a fixed cost. A worker's share of all costs is `target`. Workers take whole tasks in rounds, as long
// as no worker exceeds its share. What then lacks to their shares they get from the remaining tasks, one worker after
// the other, cut at key blocks. So no worker has more than target + 2 · fixed + granularity · the cost of a key block.
// Whole rounds keep neighbouring tiles of a head running at the same time, so that they share K and V in L2; the rest
// levels the load. (Stream-K: Osama et al. 2023, with its hybrid of whole waves and a streamed rest.)
//
// A worker has at most two partial results: of the task that it continues, and of the task that it begins. Their number
// depends on the number of workers only. They are added in the order of the keys.
#pragma once

#include <cstdint>

#include "kernels/blocks/work_tasks.hpp"
#include "kernels/common/host_device.hpp"
#include "kernels/common/indexing.hpp"

namespace flashcore::kernels {

// The number of i in [0, count) for which before(i) holds: for all up to some i, and for none after it.
template <class Before>
constexpr int count_before(int count, Before before) {
  int low = 0;
  int high = count;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (before(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// A plan whose items have been written: counts of costs, and what follows from them.
struct WorkDeal {
  const WorkShape& shape;
  const WorkPlan& plan;
  int items;

  constexpr std::int64_t item_cost(int item) const {
    return plan.cost_before[item + 1] - plan.cost_before[item];
  }
  constexpr std::int64_t total() const { return plan.cost_before[items] * shape.heads; }
  constexpr int tasks() const { return items * shape.heads; }
  constexpr std::int64_t target() const {
    const std::int64_t share = ceil_div(total(), std::int64_t{shape.workers});
    const std::int64_t least = 2 * std::int64_t{shape.costs.fixed};  // less is not worth a partial result
    return share > least ? share : least;
  }
  // The cost of all tasks before this one.
  constexpr std::int64_t cost_before_task(int task) const {
    const int item = task / shape.heads;
    if (item >= items) return total();
    return plan.cost_before[item] * shape.heads + task % shape.heads * item_cost(item);
  }
  constexpr std::int64_t cost_in_round(int round, int worker) const {
    const int place = round % 2 == 0 ? worker : shape.workers - 1 - worker;
    return item_cost((round * shape.workers + place) / shape.heads);
  }
  // Rounds, at most `limit`, that a worker can take without exceeding `most`.
  constexpr int rounds_within(int worker, int limit, std::int64_t most) const {
    std::int64_t cost = 0;
    for (int round = 0; round < limit; ++round) {
      cost += cost_in_round(round, worker);
      if (cost > most) return round;
    }
    return limit;
  }
  constexpr std::int64_t cost_of_rounds(int worker, int rounds) const {
    std::int64_t cost = 0;
    for (int round = 0; round < rounds; ++round) cost += cost_in_round(round, worker);
    return cost;
  }

  // The place where this much cost lies before. A task without keys belongs to the worker that has its beginning.
  constexpr WorkPlace place_at(std::int64_t position) const {
    if (position >= total()) return {.item = items};
    const std::int64_t of_head = position / shape.heads;
    const int item = count_before(items, [&](int i) { return plan.cost_before[i] <= of_head; }) - 1;
    const std::int64_t cost = item_cost(item);
    const std::int64_t in_item = position - plan.cost_before[item] * shape.heads;
    const int head = static_cast<int>(in_item / cost);
    const std::int64_t in_task = in_item - head * cost;
    const int blocks = plan.items[item].blocks;
    if (blocks == 0 && in_task > 0) {
      const bool last_head = head + 1 == shape.heads;
      return {.item = item + (last_head ? 1 : 0), .head = last_head ? 0 : head + 1};
    }
    if (in_task <= shape.costs.fixed) return {.item = item, .head = head};
    const std::int64_t block = (in_task - shape.costs.fixed) / ((cost - shape.costs.fixed) / blocks);
    const int cut = static_cast<int>(block) / shape.granularity * shape.granularity;
    return {.item = item, .head = head, .block = cut};
  }

  constexpr WorkMerge merge_of(int worker) const {
    const WorkPlace begin = plan.starts[worker];
    const WorkPlace end = plan.starts[worker + 1];
    if (end.block == 0 || (begin.same_task(end) && begin.block > 0)) return {};
    const int first = worker + 1;
    const int continuing =
        count_before(shape.workers - first, [&](int i) { return !plan.starts[first + i].later_task(end); });
    return {.item = end.item, .head = end.head, .last_worker = worker + continuing};
  }
};

// Calls store(i, the sum of value(0) to value(i - 1)) for i in [0, count). Returns the sum of all values.
template <class Team, class Value, class Store>
FLASHCORE_DEVICE std::int64_t running_sums(Team& team, int count, Value value, Store store) {
  std::int64_t sum = 0;
  for (int begin = 0; begin < count; begin += team.size()) {
    const int i = begin + team.index();
    const std::int64_t own = i < count ? value(i) : 0;
    std::int64_t all = 0;
    const std::int64_t before = team.exclusive_sum(own, all);
    if (i < count) store(i, sum + before);
    sum += all;
  }
  return sum;
}

// Writes items, and returns their number.
template <class Team>
FLASHCORE_DEVICE int write_work_items(const WorkShape& shape, const WorkPlan& plan, Team& team) {
  const int batch = shape.sequences.batch;
  const auto capped = [&](std::int64_t count) {
    return static_cast<int>(count < shape.capacity ? count : shape.capacity);
  };
  const int items = capped(running_sums(
      team, batch, [&](int i) { return shape.tiles(i); },
      [&](int i, std::int64_t before) { plan.first_item[i] = capped(before); }));
  if (team.index() == 0) plan.first_item[batch] = items;
  team.sync();  // protects first_item: all are written before any is read
  const std::int64_t cost = running_sums(
      team, items,
      [&](int i) {
        const int sequence = count_before(batch, [&](int s) { return plan.first_item[s] <= i; }) - 1;
        plan.items[i] = shape.item(sequence, i - plan.first_item[sequence]);
        return shape.cost(plan.items[i]);
      },
      [&](int i, std::int64_t before) { plan.cost_before[i] = before; });
  if (team.index() == 0) plan.cost_before[items] = cost;
  team.sync();  // protects items and cost_before, alike
  return items;
}

// Makes the plan. Its arrays depend on the lengths only, not on the team's size. A team has index(), size(), sync(),
// exclusive_sum(own, all) and minimum(own); all its members call this.
template <class Team>
FLASHCORE_DEVICE void make_work_plan(const WorkShape& shape, const WorkPlan& plan, Team& team) {
  const WorkDeal deal{shape, plan, write_work_items(shape, plan, team)};
  const std::int64_t target = deal.target();
  int rounds = deal.tasks() / shape.workers;
  for (int worker = team.index(); worker < shape.workers; worker += team.size()) {
    rounds = deal.rounds_within(worker, rounds, target);
  }
  rounds = team.minimum(rounds);
  const std::int64_t dealt = deal.cost_before_task(rounds * shape.workers);
  running_sums(
      team, shape.workers, [&](int worker) { return target - deal.cost_of_rounds(worker, rounds); },
      [&](int worker, std::int64_t before) { plan.starts[worker] = deal.place_at(dealt + before); });
  if (team.index() == 0) {
    plan.starts[shape.workers] = {.item = deal.items};
    *plan.counts = {.items = deal.items, .rounds = rounds};
  }
  team.sync();  // protects starts: all are written before any is read
  for (int worker = team.index(); worker < shape.workers; worker += team.size()) {
    plan.merges[worker] = deal.merge_of(worker);
  }
}

}  // namespace flashcore::kernels
