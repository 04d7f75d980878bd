// What a plan (work_plan.hpp) says, as the launches that follow it read it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/blocks/work_tiles.hpp"

namespace flashcore::kernels {

constexpr int kPlannedSchedule = 3;  // Tile::schedule of variants that follow a plan

// A place in the order of all work: key block `block` of an item, counted from its first, for one head.
struct alignas(16) WorkPlace {
  int item = 0;
  int head = 0;
  int block = 0;
  int padding = 0;

  constexpr bool same_task(const WorkPlace& other) const { return item == other.item && head == other.head; }
  // True if the task of this place comes after that of the other.
  constexpr bool later_task(const WorkPlace& other) const {
    return item != other.item ? item > other.item : head > other.head;
  }
};

// A task that a worker begins and the workers after it, up to last_worker, continue.
struct alignas(16) WorkMerge {
  int item = 0;
  int head = 0;
  int last_worker = 0;  // 0: the worker begins no task that others continue
  int padding = 0;
};

struct alignas(16) WorkCounts {
  int items = 0;
  int rounds = 0;  // of whole tasks: task `round · workers + worker`, every other round in reverse
};

// The arrays of a plan, which lie in one piece of memory.
struct WorkPlan {
  WorkCounts* counts = nullptr;
  WorkPlace* starts =
      nullptr;  // [workers + 1]: the keys after the rounds; a worker ends where the next starts
  WorkMerge* merges = nullptr;          // [workers]
  WorkItem* items = nullptr;            // [capacity]
  std::int64_t* cost_before = nullptr;  // [capacity + 1], of one head; read by make_work_plan() only
  int* first_item = nullptr;            // [batch + 1], of a sequence; alike

  WorkPlan() = default;
  // `memory` has bytes() bytes and is aligned to 16.
  WorkPlan(void* memory, const WorkShape& shape) {
    auto* at = static_cast<unsigned char*>(memory);
    take(at, counts, 1);
    take(at, starts, shape.workers + 1);
    take(at, merges, shape.workers);
    take(at, items, shape.capacity);
    take(at, cost_before, shape.capacity + 1);
    take(at, first_item, shape.sequences.batch + 1);
  }
  static std::size_t bytes(const WorkShape& shape) {
    return sizeof(WorkCounts) + sizeof(WorkPlace) + shape.workers * (sizeof(WorkPlace) + sizeof(WorkMerge)) +
           shape.capacity * (sizeof(WorkItem) + sizeof(std::int64_t)) + sizeof(std::int64_t) +
           (static_cast<std::size_t>(shape.sequences.batch) + 1) * sizeof(int);
  }

 private:
  template <class T>
  static void take(unsigned char*& at, T*& array, std::int64_t count) {
    array = reinterpret_cast<T*>(at);
    at += count * static_cast<std::int64_t>(sizeof(T));
  }
};

// Partial results: a worker's slots in the workspace.
constexpr int partial_slots(int workers) { return 2 * workers; }
constexpr int partial_slot(int worker, bool begins_task) { return 2 * worker + (begins_task ? 1 : 0); }

// True if the first task of a worker's keys after the rounds is one that an earlier worker begins, and it has some of
// its keys. Such a worker has a partial result.
constexpr bool continues_task(const WorkPlan& plan, int worker) {
  const WorkPlace& start = plan.starts[worker];
  const WorkPlace& end = plan.starts[worker + 1];
  return start.block > 0 && (!start.same_task(end) || end.block > start.block);
}

// Key blocks [begin, end) of a task, counted from the item's first.
struct WorkTask {
  WorkItem item;
  int head = 0;
  int begin = 0;
  int end = 0;

  constexpr bool is_first() const { return begin == 0; }
  constexpr bool is_whole() const { return begin == 0 && end == item.blocks; }
};

// The tasks of one worker, in their order.
class WorkerTasks {
 public:
  constexpr WorkerTasks(const WorkPlan& plan, int heads, int workers, int worker)
      : plan_(plan),
        heads_(heads),
        workers_(workers),
        worker_(worker),
        rounds_(plan.counts->rounds),
        next_(plan.starts[worker]),
        end_(plan.starts[worker + 1]) {}

  // False if there is no further task.
  constexpr bool next(WorkTask& task) {
    if (round_ < rounds_) {
      take_round(round_++, task);
      return true;
    }
    return next_of_rest(task);
  }
  // The same tasks in about the opposite order: the rest, then the rounds from the last to the first.
  constexpr bool next_backwards(WorkTask& task) {
    if (next_of_rest(task)) return true;
    if (round_ == rounds_) return false;
    take_round(rounds_ - 1 - round_++, task);
    return true;
  }

 private:
  constexpr void take_round(int round, WorkTask& task) const {
    const int index = round * workers_ + (round % 2 == 0 ? worker_ : workers_ - 1 - worker_);
    task.item = plan_.items[index / heads_];
    task.head = index % heads_;
    task.begin = 0;
    task.end = task.item.blocks;
  }

  constexpr bool next_of_rest(WorkTask& task) {
    const bool ends_here = next_.same_task(end_);
    if (ends_here && next_.block >= end_.block) return false;
    task.item = plan_.items[next_.item];
    task.head = next_.head;
    task.begin = next_.block;
    task.end = ends_here ? end_.block : task.item.blocks;
    if (ends_here) {
      next_.block = end_.block;
    } else {
      next_.block = 0;
      if (++next_.head == heads_) {
        next_.head = 0;
        ++next_.item;
      }
    }
    return true;
  }

  const WorkPlan& plan_;
  int heads_;
  int workers_;
  int worker_;
  int rounds_;
  int round_ = 0;
  WorkPlace next_;
  WorkPlace end_;
};

}  // namespace flashcore::kernels
