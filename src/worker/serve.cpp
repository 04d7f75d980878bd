#include "worker/serve.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "device/cpu_memory.hpp"
#include "execute/open_device.hpp"
#include "plugin/plugin.hpp"
#include "registry/registry.hpp"
#include "worker/child_process.hpp"
#include "worker/job_server.hpp"

namespace flashcore {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// The protocol's streams. Duplicates standard input and output, then connects standard input to /dev/null and
// standard output to standard error, so that a plug-in cannot disturb the protocol.
class Lines {
 public:
  Lines() : in_(duplicate(STDIN_FILENO, "r")), out_(duplicate(STDOUT_FILENO, "w")) {
    const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a crash loses no printed line
  }
  ~Lines() { std::free(buffer_); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  std::optional<std::string_view> next() {
    const ssize_t length = ::getline(&buffer_, &capacity_, in_.get());
    if (length <= 0) return std::nullopt;
    return std::string_view(buffer_, static_cast<std::size_t>(length));
  }

  void put(const std::string& line) {
    if (std::fputs((line + "\n").c_str(), out_.get()) < 0 || std::fflush(out_.get()) != 0) {
      throw EnvironmentError("worker: standard output cannot be written");
    }
  }

 private:
  static File duplicate(int number, const char* mode) {
    const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    std::FILE* file = copy < 0 ? nullptr : ::fdopen(copy, mode);
    if (file == nullptr) throw EnvironmentError("worker: standard input and output must be open");
    return File(file);
  }

  File in_;
  File out_;
  char* buffer_ = nullptr;
  std::size_t capacity_ = 0;
};

// If the machine runs out of memory, the kernel kills this process first.
void raise_oom_score() { std::ofstream("/proc/self/oom_score_adj") << 1000; }

// Limits the process's private memory (getrlimit(2), RLIMIT_DATA) to 15/16 of the free memory, so that the
// machine stays usable. Not for CUDA: the driver maps far more address space than there is memory.
void limit_memory() {
#ifndef __SANITIZE_ADDRESS__  // AddressSanitizer's shadow memory would exceed the limit
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

void serve(const DeviceRequest& device, std::span<const std::string> plugins) {
  Lines lines;
  end_with_parent();
  raise_oom_score();
  for (const std::string& path : plugins) load_plugin(path, "--plugin");
  const std::unique_ptr<Executor> executor = open_device(device);
  if (executor->device().backend == Backend::cpu) limit_memory();
  JobServer server(*executor, all_variants());
  lines.put(to_line(to_json(make_hello(executor->device()))));
  while (const auto line = lines.next()) lines.put(server.answer(*line));
}

}  // namespace flashcore
