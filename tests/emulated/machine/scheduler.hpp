// Runs the threads of a cluster in turns until all have ended.
//
// A thread runs until it has to wait. The next warp is drawn at random: with some seeds a warp goes as far
// ahead of the others as barriers let it, with others all warps go in small steps, so that a missing barrier
// shows with one of them.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <random>
#include <string>

#include "emulated/machine/block.hpp"

namespace flashcore::emulated {

// The condition for which a thread waits.
class Condition {
 public:
  virtual bool holds() const = 0;
  virtual std::string describe() const = 0;

 protected:
  ~Condition() = default;
};

// Suspends the calling thread until the condition holds.
void wait_for(const Condition& condition);

// The same with ready() and with describe(), which returns a string for the report of a deadlock.
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
  // Every thread runs `body`.
  Scheduler(Cluster& cluster, const std::function<void()>& body, std::uint64_t seed);

  // Throws the first failure of a thread, or, when no thread can continue, one that lists what each thread
  // waits for.
  void run();

 private:
  void resume(Thread& thread);
  void deliver_one();  // completes one of the bulk copies in flight
  Thread* next_thread();
  Thread* ready_lane(std::size_t warp, int first_lane) const;
  bool draw(unsigned one_in);  // true once in `one_in` calls on average; never for 0
  [[noreturn]] void report_deadlock() const;

  static void run_body(void* scheduler);

  Cluster& cluster_;
  const std::function<void()>& body_;
  std::exception_ptr failure_;  // of a thread
  std::mt19937_64 random_;
  std::size_t warps_per_block_;
  std::size_t warps_;
  std::size_t warp_ = 0;  // the last warp that ran, counted over the cluster
  int lane_ = 0;
  unsigned change_warp_one_in_;  // 0: only when the warp cannot continue
  unsigned deliver_one_in_;      // 0: bulk copies arrive only when no thread can continue
};

}  // namespace flashcore::emulated
