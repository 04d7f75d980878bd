// A function on a stack of its own that can be suspended and resumed.
#pragma once

#include <setjmp.h>

#include <cstddef>

namespace flashcore::emulated {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() begins entry(argument), wherever the fiber was suspended. `entry` must not throw.
  void start(void (*entry)(void*), void* argument);
  // Runs the fiber until it suspends itself or its entry returns.
  void resume();
  // Called by the running fiber: returns from its resume().
  static void suspend();

 private:
  static constexpr std::size_t kStackBytes = 256 * 1024;

  static void run_entries();

  void* stack_;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool idle_ = false;   // suspended at the end of an entry: can take the next one
  bool fresh_ = false;  // must be entered by its first context
  jmp_buf inside_;
  jmp_buf outside_;
};

}  // namespace flashcore::emulated
