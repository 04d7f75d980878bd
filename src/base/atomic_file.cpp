#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace flashcore {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int error) {
  throw EnvironmentError(fmt::format("{}: {}: {}", path.string(), what, std::strerror(error)));
}

// A file in the target's folder: rename(2) works only within one file system. The destructor deletes it
// unless it has replaced the target.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : target_(target), path_(target.string() + fmt::format(".tmp{}", ::getpid())) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(target_, "cannot be written", errno);
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!renamed_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(target_, "cannot be written; the old content is kept", errno);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void replace_target() {
    // Without this sync, a power cut after the rename could leave an empty file.
    if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(target_, "cannot be synced", errno);
    // Some file systems report a full disk only here.
    if (::close(std::exchange(descriptor_, -1)) != 0) fail(target_, "cannot be closed", errno);
    if (std::rename(path_.c_str(), target_.c_str()) != 0) fail(target_, "cannot be replaced", errno);
    renamed_ = true;
  }

 private:
  std::filesystem::path target_;
  std::string path_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

std::filesystem::path resolve_link(const std::filesystem::path& path) {
  std::error_code error;
  const auto resolved = std::filesystem::weakly_canonical(path, error);
  return error ? path : resolved;
}

}  // namespace

void write_atomically(const std::filesystem::path& path, std::initializer_list<std::string_view> parts) {
  TemporaryFile file(resolve_link(path));
  for (const std::string_view part : parts) file.write(part);
  file.replace_target();
}

void require_writable(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (error) fail(path.parent_path(), "the folder cannot be created", error.value());
  if (std::filesystem::is_directory(path, error)) fail(path, "cannot be written", EISDIR);
  TemporaryFile probe(resolve_link(path));
}

}  // namespace flashcore
