#include "worker/aftermath.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include "base/error.hpp"
#include "worker/guard.hpp"

namespace flashcore {

LeftBehind Aftermath::clear() {
  LeftBehind left = state_.restore();
  siginfo_t child{};
  if (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0) return left;  // there is none
  const int count = end_children();
  throw EnvironmentError(fmt::format("a launch must not fork: it left {} process{} behind, which {} ended",
                                     count, count == 1 ? "" : "es", count == 1 ? "was" : "were"),
                         Status::crashed);
}

}  // namespace flashcore
