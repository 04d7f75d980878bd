// The state of this process that a kernel can change, and that would then reach the next kernel.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cfenv>
#include <string>
#include <vector>

#include "base/descriptor.hpp"

namespace flashcore {

// What a kernel has changed.
struct LeftBehind {
  std::vector<std::string> restored;  // "the rounding mode", …
  // What cannot be restored: a new process has to take over. "a thread that goes on".
  std::vector<std::string> stays;
};

class ProcessState {
 public:
  ProcessState();  // the state to restore

  // Restores the state. Numbers of the calling thread are also restored in the threads of OpenMP.
  LeftBehind restore();

 private:
  static constexpr int kSignals = 32;  // those with names
  using Limits = std::array<rlimit, RLIM_NLIMITS>;
  using Handlers = std::array<struct sigaction, kSignals>;

  bool restore_numbers();
  bool restore_handlers();
  bool restore_signal_mask();
  bool restore_folder();
  bool restore_mode_of_files() const;
  bool stop_timers();
  void restore_limits(LeftBehind& left);

  std::fenv_t numbers_;
  int rounding_;
  Limits limits_{};
  Handlers handlers_{};
  sigset_t mask_;
  mode_t mode_of_files_;
  Descriptor folder_;
};

}  // namespace flashcore
