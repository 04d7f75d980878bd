#include "base/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace flashcore {
namespace {

struct Inputs {
  std::mutex mutex;  // guards the members below
  bool are_noted = false;
  std::set<std::pair<dev_t, ino_t>> files;
};

Inputs& inputs() {
  static Inputs instance;
  return instance;
}

void note(const struct stat& file) {
  Inputs& known = inputs();
  const std::lock_guard lock(known.mutex);
  if (known.are_noted) known.files.emplace(file.st_dev, file.st_ino);
}

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what) {
  throw UsageError(fmt::format("{}: {}", path.string(), what));
}

[[noreturn]] void fail_size(const std::filesystem::path& path, std::uintmax_t limit) {
  fail(path, fmt::format("larger than {:.1f} MiB, the limit for such files",
                         static_cast<double>(limit) / (1 << 20)));
}

// The complaint about a kind of file that is not read; empty for the others.
std::string_view refused_kind(const struct stat& file, bool regular_only) {
  if (S_ISREG(file.st_mode)) return "";
  if (S_ISDIR(file.st_mode)) return "is a directory, not a file";
  if (S_ISFIFO(file.st_mode)) return regular_only ? "is a FIFO, not a regular file" : "";
  return "is a device, not a file";
}

// The descriptor of a FIFO, which was opened without waiting.
void wait_for_writer(int fifo) {
  ::fcntl(fifo, F_SETFL, O_RDONLY);
  pollfd watched{fifo, POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
}

std::string read_all(int descriptor, const std::filesystem::path& path, std::uintmax_t limit,
                     std::size_t expected) {
  std::string text;
  text.reserve(expected);
  std::string buffer(std::size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (count == 0) return text;
    text.append(buffer, 0, static_cast<std::size_t>(count));
    if (text.size() > limit) fail_size(path, limit);
  }
}

}  // namespace

std::string read_input(const std::filesystem::path& path, const InputRules& rules) {
  // Without O_NONBLOCK, open(2) of a FIFO without a writer would not return.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) fail(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (const auto refused = refused_kind(status, rules.regular_only); !refused.empty()) fail(path, refused);
  if (rules.is_input) note(status);
  if (S_ISFIFO(status.st_mode)) {
    wait_for_writer(file.get());
    return read_all(file.get(), path, std::min(rules.max_bytes, kMaxFifoBytes), 0);
  }
  const auto size = static_cast<std::uintmax_t>(status.st_size);
  if (size > rules.max_bytes) fail_size(path, rules.max_bytes);
  return read_all(file.get(), path, rules.max_bytes, size);
}

void note_inputs(bool are_noted) {
  Inputs& known = inputs();
  const std::lock_guard lock(known.mutex);
  known.are_noted = are_noted;
  known.files.clear();
}

bool is_input(const struct stat& file) {
  Inputs& known = inputs();
  const std::lock_guard lock(known.mutex);
  return known.files.contains({file.st_dev, file.st_ino});
}

}  // namespace flashcore
