#include "emulated/machine/scheduler.hpp"

#include <cuda_runtime.h>

#include <iterator>
#include <map>
#include <utility>

#include "emulated/machine/failure.hpp"

namespace flashcore::emulated {
namespace {

Thread* running = nullptr;

}  // namespace

Thread& current_thread() { return *running; }

void Block::check_alive(const char* operation) const {
  if (threads_left == 0) fail("{}: into a block of the cluster that has ended", operation);
}

void wait_for(const Condition& condition) {
  if (condition.holds()) return;
  running->waits_for = &condition;
  Fiber::suspend();
}

Scheduler::Scheduler(Cluster& cluster, const std::function<void()>& body, std::uint64_t seed)
    : cluster_(cluster),
      body_(body),
      random_(seed),
      warps_per_block_(cluster.blocks.front().warps.size()),
      warps_(cluster.blocks.size() * warps_per_block_) {
  constexpr unsigned kPaces[] = {0, 2, 32, 256};
  change_warp_one_in_ = kPaces[random_() % std::size(kPaces)];
  deliver_one_in_ = kPaces[random_() % std::size(kPaces)];
  for (Block& block : cluster.blocks) {
    for (Thread& thread : block.threads) thread.fiber->start(run_body, this);
  }
}

// An exception must not leave a fiber.
void Scheduler::run_body(void* scheduler) {
  auto* self = static_cast<Scheduler*>(scheduler);
  try {
    self->body_();
    running->stores.check_done();
    running->finished = true;
    --running->block->threads_left;
  } catch (...) {
    self->failure_ = std::current_exception();
  }
}

bool Scheduler::draw(unsigned one_in) { return one_in != 0 && random_() % one_in == 0; }

Thread* Scheduler::ready_lane(std::size_t warp, int first_lane) const {
  Block& block = cluster_.blocks[warp / warps_per_block_];
  const std::size_t first_thread = warp % warps_per_block_ * kWarpLanes;
  for (int i = 0; i < kWarpLanes; ++i) {
    Thread& thread = block.threads[first_thread + static_cast<std::size_t>((first_lane + i) % kWarpLanes)];
    if (thread.finished) continue;
    if (thread.waits_for == nullptr || thread.waits_for->holds()) return &thread;
  }
  return nullptr;
}

Thread* Scheduler::next_thread() {
  if (!draw(change_warp_one_in_)) {
    if (Thread* thread = ready_lane(warp_, lane_ + 1)) return thread;
  }
  const std::size_t first = random_() % warps_;
  const int first_lane = static_cast<int>(random_() % kWarpLanes);
  for (std::size_t i = 0; i < warps_; ++i) {
    warp_ = (first + i) % warps_;
    if (Thread* thread = ready_lane(warp_, first_lane)) return thread;
  }
  return nullptr;
}

void Scheduler::resume(Thread& thread) {
  lane_ = thread.lane();
  thread.waits_for = nullptr;
  running = &thread;
  blockIdx = thread.block->index;
  threadIdx = {static_cast<unsigned>(thread.index), 0, 0};
  thread.fiber->resume();
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

void Scheduler::deliver_one() {
  if (cluster_.loads.empty()) return;
  std::swap(cluster_.loads[random_() % cluster_.loads.size()], cluster_.loads.back());
  const BoxLoad load = cluster_.loads.back();
  cluster_.loads.pop_back();
  deliver(cluster_, load);
}

void Scheduler::run() {
  while (true) {
    if (draw(deliver_one_in_)) deliver_one();
    if (Thread* thread = next_thread()) {
      resume(*thread);
    } else if (!cluster_.loads.empty()) {
      deliver_one();
    } else {
      break;
    }
  }
  for (const Block& block : cluster_.blocks) {
    for (const Thread& thread : block.threads) {
      if (!thread.finished) report_deadlock();
    }
  }
}

void Scheduler::report_deadlock() const {
  struct Waiters {
    int count = 0;
    int first_thread = 0;
  };
  std::map<std::pair<unsigned, std::string>, Waiters> groups;
  for (const Block& block : cluster_.blocks) {
    for (const Thread& thread : block.threads) {
      const std::string what = thread.finished ? "has ended" : "waits for " + thread.waits_for->describe();
      Waiters& waiters = groups[{block.index.x, what}];
      if (waiters.count++ == 0) waiters.first_thread = thread.index;
    }
  }
  std::string text = "no thread can continue:";
  for (const auto& [group, waiters] : groups) {
    text += fmt::format("\n  block {}, thread {} and {} more: {}", group.first, waiters.first_thread,
                        waiters.count - 1, group.second);
  }
  throw Failure(text);
}

}  // namespace flashcore::emulated
