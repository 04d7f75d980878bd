#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;  // as the kernel follows
constexpr int kMaxNames = 100;
constexpr std::string_view kTemporary = ".flashcore-";  // and 16 hexadecimal digits

[[noreturn]] void fail(const fs::path& path, std::string_view what, int error) {
  throw EnvironmentError(fmt::format("{}: {}: {}", path.string(), what, std::strerror(error)));
}

// Until the end of its life, signals that would end this thread wait, so that no temporary name stays behind.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~SignalsWait() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_{};
};

void write_all(int descriptor, std::string_view text, const fs::path& target, std::string_view what) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(target, what, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : "."; }

bool lock(const Descriptor& file) { return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0; }

bool is_temporary(const std::string& name) {
  return name.size() == kTemporary.size() + 16 && name.starts_with(kTemporary) &&
         name.find_first_not_of("0123456789abcdef", kTemporary.size()) == std::string::npos;
}

// Removes names that a kill left behind. The files of living processes are locked.
void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!is_temporary(entry.path().filename().string())) continue;
    const Descriptor file(::open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.is_open() && lock(file)) ::unlink(entry.path().c_str());
  }
}

// A file in the target's folder, because rename(2) works only within one file system. It has no name until it is
// whole, where the file system can do that; else a name that cannot be guessed, which the destructor removes.
class NewFile {
 public:
  explicit NewFile(fs::path target) : target_(std::move(target)) {
    const fs::path folder = folder_of(target_);
    if (::access("/proc/self/fd", X_OK) == 0) {
      file_ = Descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
    }
    if (!file_.is_open()) {
      take_name([this](const char* name) {
        file_ = Descriptor(::open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
        if (file_.is_open()) (void)lock(file_);
        return file_.is_open();
      });
    }
  }
  ~NewFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Also locks the file, which nobody else can have opened yet.
  void write(TextParts parts) {
    for (const std::string_view part : parts) {
      write_all(file_.get(), part, target_, "cannot be written; the old content is kept");
    }
    // Without this sync, a power cut after the rename could leave an empty file.
    if (::fsync(file_.get()) != 0 && errno != EINVAL) fail(target_, "cannot be synced", errno);
    (void)lock(file_);  // some file systems have no locks
  }

  // Only root can keep another owner.
  void keep_mode(const struct stat& before) {
    [[maybe_unused]] const int owner_kept = ::fchown(file_.get(), before.st_uid, before.st_gid);
    if (::fchmod(file_.get(), before.st_mode & 07777) != 0) fail(target_, "its mode cannot be kept", errno);
  }

  Descriptor replace_target() {
    if (name_.empty()) take_name([this](const char* name) { return link_to(name); });
    if (std::rename(name_.c_str(), target_.c_str()) != 0) fail(target_, "cannot be replaced", errno);
    name_.clear();
    return std::move(file_);
  }

  // Returns a closed descriptor if the target exists.
  Descriptor become_target() {
    const bool linked =
        name_.empty() ? link_to(target_.c_str()) : ::link(name_.c_str(), target_.c_str()) == 0;
    if (linked) return std::move(file_);
    if (errno == EEXIST) return Descriptor();
    fail(target_, "cannot be written", errno);
  }

 private:
  bool link_to(const char* name) const {
    const std::string file = fmt::format("/proc/self/fd/{}", file_.get());
    return ::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
  }

  // `make` makes a file of that name and fails with EEXIST if there is one.
  template <class Make>
  void take_name(Make make) {
    std::random_device random;
    for (int i = 0; i < kMaxNames; ++i) {
      const auto name = fmt::format("{}{:08x}{:08x}", kTemporary, random(), random());
      const std::string path = (target_.parent_path() / name).string();
      if (make(path.c_str())) {
        name_ = path;
        return;
      }
      if (errno != EEXIST) break;
    }
    fail(target_, "cannot be written", errno);
  }

  fs::path target_;
  std::string name_;  // empty: the file has no name
  Descriptor file_;
};

std::optional<struct stat> status_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

// Standard output or error, if it is the same file; else -1.
int standard_stream(const struct stat& status) {
  for (const int number : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own {};
    if (::fstat(number, &own) == 0 && own.st_dev == status.st_dev && own.st_ino == status.st_ino)
      return number;
  }
  return -1;
}

}  // namespace

PathKind kind_of(const fs::path& path) {
  const auto status = status_of(path);
  if (!status) return PathKind::absent;
  if (S_ISDIR(status->st_mode)) return PathKind::folder;
  return S_ISREG(status->st_mode) && standard_stream(*status) < 0 ? PathKind::regular : PathKind::stream;
}

fs::path resolve_links(fs::path path) {
  std::error_code error;
  for (int i = 0; i < kMaxLinks && fs::is_symlink(path, error); ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  return path;
}

Descriptor replace_file(const fs::path& path, TextParts parts) {
  const SignalsWait signals_wait;
  NewFile file(path);
  file.write(parts);
  if (const auto before = status_of(path)) file.keep_mode(*before);
  return file.replace_target();
}

Descriptor create_file(const fs::path& path, TextParts parts) {
  const SignalsWait signals_wait;
  NewFile file(path);
  file.write(parts);
  return file.become_target();
}

void write_stream(const fs::path& path, TextParts parts) {
  std::fflush(stdout);
  const auto status = status_of(path);
  const int standard = status ? standard_stream(*status) : -1;
  Descriptor opened;
  if (standard < 0) {
    opened = Descriptor(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    if (!opened.is_open()) fail(path, "cannot be written", errno);
  }
  for (const std::string_view part : parts) {
    write_all(standard < 0 ? opened.get() : standard, part, path, "cannot be written");
  }
}

void require_writable(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) fail(path.parent_path(), "the folder cannot be created", error.value());
  const PathKind kind = kind_of(path);
  if (kind == PathKind::folder) fail(path, "cannot be written", EISDIR);
  if (kind == PathKind::stream) return;
  const SignalsWait signals_wait;
  const fs::path target = resolve_links(path);
  remove_leftovers(folder_of(target));
  const NewFile probe(target);
}

void write_atomically(const fs::path& path, TextParts parts) {
  if (kind_of(path) == PathKind::stream) return write_stream(path, parts);
  replace_file(resolve_links(path), parts);
}

}  // namespace flashcore
