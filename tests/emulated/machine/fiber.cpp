// The checked longjmp reports a jump to another stack as an error.
#undef _FORTIFY_SOURCE

#include "emulated/machine/fiber.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <new>

namespace flashcore::emulated {
namespace {

constexpr std::size_t kGuardBytes = 64 * 1024;  // a multiple of any page size

Fiber* running = nullptr;

}  // namespace

Fiber::Fiber()
    : stack_(mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
  if (stack_ == MAP_FAILED) throw std::bad_alloc();
  mprotect(stack_, kGuardBytes, PROT_NONE);  // stacks grow down
}

Fiber::~Fiber() { munmap(stack_, kStackBytes + kGuardBytes); }

void Fiber::start(void (*entry)(void*), void* argument) {
  entry_ = entry;
  argument_ = argument;
  fresh_ = !idle_;
  idle_ = false;
}

// Only the first entry uses ucontext, whose switches cost a system call; setjmp's do not.
void Fiber::resume() {
  running = this;
  if (_setjmp(outside_) != 0) return;
  if (!fresh_) _longjmp(inside_, 1);
  fresh_ = false;
  ucontext_t first;
  getcontext(&first);
  first.uc_stack.ss_sp = static_cast<unsigned char*>(stack_) + kGuardBytes;
  first.uc_stack.ss_size = kStackBytes;
  first.uc_link = nullptr;
  makecontext(&first, run_entries, 0);
  setcontext(&first);
}

void Fiber::suspend() {
  Fiber* self = running;
  if (_setjmp(self->inside_) == 0) _longjmp(self->outside_, 1);
}

void Fiber::run_entries() {
  while (true) {
    running->entry_(running->argument_);
    running->idle_ = true;
    suspend();
  }
}

}  // namespace flashcore::emulated
