#include "base/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace flashcore {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may only touch lock-free atomics");

void on_interrupt(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);  // a second signal ends the program at once
}

}  // namespace

bool interrupt_requested() { return interrupted; }
void request_interrupt(bool requested) { interrupted = requested; }

void install_interrupt_handler() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  if (std::signal(SIGHUP, on_interrupt) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
}

}  // namespace flashcore
