#include "execute/cpu_launcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace flashcore {

void CpuLauncher::launch(const Variant& variant, AttentionArgs args) {
  if (const auto needed = static_cast<std::int64_t>(variant.workspace_bytes(args)); needed > 0) {
    if (needed > workspace_bytes_) workspace_ = HostBuffer<std::byte>(needed);
    workspace_bytes_ = std::max(workspace_bytes_, needed);
    args.workspace = workspace_.data();
  }
  const int code = variant.launch(args, nullptr);
  if (code == 0) return;
  const std::string message = fmt::format("{} failed: {}", variant.id(), std::strerror(code));
  if (code == ENOMEM) throw OutOfMemoryError(message);
  throw EnvironmentError(message);
}

}  // namespace flashcore
