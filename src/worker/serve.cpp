#include "worker/serve.hpp"

#include <sys/resource.h>

#include <fstream>
#include <memory>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "device/cpu_memory.hpp"
#include "execute/open_device.hpp"
#include "plugin/plugin.hpp"
#include "registry/registry.hpp"
#include "worker/child_process.hpp"
#include "worker/job_server.hpp"
#include "worker/lines.hpp"

namespace flashcore {
namespace {

// If the machine runs out of memory, the kernel kills this process first.
void raise_oom_score() { std::ofstream("/proc/self/oom_score_adj") << 1000; }

// Limits the process's private memory (getrlimit(2), RLIMIT_DATA) to 15/16 of the free memory, so that the
// machine stays usable. Not for CUDA: the driver maps far more address space than there is memory.
void limit_memory() {
#ifndef FLASHCORE_SANITIZED  // the shadow memory of a sanitizer would exceed the limit
  const std::int64_t free_bytes = free_host_memory_bytes();
  if (free_bytes == 0) return;  // unknown
  const auto max = static_cast<rlim_t>(free_bytes - free_bytes / 16);
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur <= max) return;
  limit.rlim_cur = max;
  (void)::setrlimit(RLIMIT_DATA, &limit);
#endif
}

Hello make_hello(const DeviceInfo& device) {
  const BuildInfo& build = build_info();
  return {.version = build.version,
          .git_commit = build.git_commit,
          .git_dirty = build.git_dirty,
          .device = device};
}

}  // namespace

void serve(const DeviceRequest& device, std::span<const std::string> plugins,
           const std::function<FurtherVariants()>& load) {
  Lines lines;
  end_with_parent();
  raise_oom_score();
  for (const std::string& path : plugins) load_plugin(path, "--plugin");
  FurtherVariants further = load ? load() : FurtherVariants{};
  const std::unique_ptr<Executor> executor = open_device(device);
  if (executor->device().backend == Backend::cpu) limit_memory();
  JobServer server(*executor, all_variants(), std::move(further));
  lines.put(to_line(to_json(make_hello(executor->device()))));
  while (const auto line = lines.next()) lines.put(server.answer(*line));
}

}  // namespace flashcore
