// Runs the threads of a cluster in turns until all have ended.
//
// A thread runs until it has to wait. Which warp comes next is drawn at random: with some seeds a warp goes
// as far ahead of the others as barriers let it, with others all go in small steps, so that a missing barrier
// shows in one of them.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <random>
#include <string>

#include "emulated/machine/block.hpp"

namespace flashcore::emulated {

// What a thread waits for.
class Condition {
 public:
  virtual bool holds() const = 0;
  virtual std::string describe() const = 0;

 protected:
  ~Condition() = default;
};

// By a thread: goes on once the condition holds.
void wait_for(const Condition& condition);

// The same with ready() and, for the report of a deadlock, describe() that gives a string.
template <class Ready, class Describe>
void wait_until(const Ready& ready, const Describe& describe) {
  class Wait final : public Condition {
   public:
    Wait(const Ready& ready, const Describe& describe) : ready_(ready), describe_(describe) {}
    bool holds() const override { return ready_(); }
    std::string describe() const override { return describe_(); }

   private:
    const Ready& ready_;
    const Describe& describe_;
  };
  wait_for(Wait(ready, describe));
}

class Scheduler {
 public:
  // Every thread is to run `body`.
  Scheduler(Cluster& cluster, const std::function<void()>& body, std::uint64_t seed);

  // Throws the first failure of a thread, or one that tells who waits for what when nobody can go on.
  void run();

 private:
  void resume(Thread& thread);
  void deliver_one();  // of the bulk copies on their way
  Thread* next_thread();
  Thread* ready_lane(std::size_t warp, int first_lane) const;
  bool draw(unsigned one_in);  // true once in so many times; never for 0
  [[noreturn]] void report_deadlock() const;

  static void run_body(void* scheduler);

  Cluster& cluster_;
  const std::function<void()>& body_;
  std::exception_ptr failure_;  // of a thread
  std::mt19937_64 random_;
  std::size_t warps_per_block_;
  std::size_t warps_;
  std::size_t warp_ = 0;  // that ran last, counted over the cluster
  int lane_ = 0;
  unsigned change_warp_one_in_;  // 0: only when it cannot go on
  unsigned deliver_one_in_;      // 0: bulk copies come only when nobody can go on
};

}  // namespace flashcore::emulated
