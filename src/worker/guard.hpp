// A process between a worker and its parent that ends the worker's processes.
//
//   flashcore-bench ── guard ── worker ── whatever its kernels start
//
// Processes whose parent has ended become children of the guard, so none of them gets away. They end when the worker
// ends, when the parent ends, and at kGuardSignal, even if the worker refuses the signal of its parent's death.
#pragma once

#include <signal.h>

namespace flashcore {

// Asks a guard to end. Other programs end by it too, unless they handle it.
inline constexpr int kGuardSignal = SIGUSR1;

// Makes this process the guard of a new child, and returns in the child alone. The guard ends as the child ends: with the
// same exit code or by the same signal. Call it before the process has threads. Throws EnvironmentError.
void go_on_under_guard();

// Ends all children of this process, with their children, and waits for them. Returns how many there were.
int end_children();

}  // namespace flashcore
