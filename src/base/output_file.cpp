#include "base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/input_file.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

// How often a file may be replaced by others between two looks at it.
constexpr int kAttempts = 100;

Descriptor open_existing(const fs::path& path) {
  constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Descriptor file(::open(path.c_str(), O_RDWR | kFlags));
  return file.is_open() ? std::move(file) : Descriptor(::open(path.c_str(), O_RDONLY | kFlags));
}

// Another process may have replaced the file after it was opened.
bool is_still(const fs::path& path, int file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

std::string head_of(int file) {
  std::string head(kHeadBytes, '\0');
  std::size_t size = 0;
  while (size < head.size()) {
    const ssize_t count = ::pread(file, head.data() + size, head.size() - size, static_cast<off_t>(size));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  head.resize(size);
  return head;
}

}  // namespace

OutputFile::OutputFile(const OutputTarget& target, FileKind kind, std::string_view initial)
    : path_(target.path), resolved_(resolve_links(target.path)), flag_(target.flag) {
  require_writable(path_);
  is_stream_ = kind_of(path_) == PathKind::stream;
  if (is_stream_) return;
  for (int i = 0; i < kAttempts; ++i) {
    if (open(target, kind, initial)) return;
  }
  throw EnvironmentError(
      fmt::format("{}: cannot be written: others replace it all the time", path_.string()));
}

OutputFile::~OutputFile() {
  if (is_untouched_ && file_.is_open() && is_still(resolved_, file_.get())) ::unlink(resolved_.c_str());
}

// Returns false if another process made, removed or replaced the file meanwhile.
bool OutputFile::open(const OutputTarget& target, FileKind kind, std::string_view initial) {
  if (kind_of(resolved_) == PathKind::absent) {
    file_ = create_file(resolved_, {initial});
    is_untouched_ = file_.is_open();
    return is_untouched_;
  }
  if (target.must_be_new) throw FileExists(fmt::format("{}: {} exists", flag_, path_.string()));
  file_ = open_existing(resolved_);
  if (!file_.is_open() && errno == ENOENT) return false;
  if (!file_.is_open()) {
    throw EnvironmentError(fmt::format("{}: cannot be opened: {}", path_.string(), std::strerror(errno)));
  }
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw UsageError(
        fmt::format("{}: {} is being written by another run, or is named twice", flag_, path_.string()));
  }
  if (!is_still(resolved_, file_.get())) return false;
  check_replaceable(target, kind);
  return true;
}

void OutputFile::refuse_input() const {
  struct stat status {};
  if (::stat(resolved_.c_str(), &status) == 0 && S_ISREG(status.st_mode) && is_input(status)) {
    throw UsageError(
        fmt::format("{}: {} is an input of this command, name another file", flag_, path_.string()));
  }
}

void OutputFile::check_replaceable(const OutputTarget& target, FileKind kind) {
  refuse_input();
  const std::string head = head_of(file_.get());
  const bool is_own = is_of_kind(kind, head);
  has_earlier_content_ = is_own && !head.empty();
  if (is_own || target.force) return;
  throw UsageError(fmt::format("{}: {} exists and is not {} of this program; --force replaces it", flag_,
                               path_.string(), name_of(kind)));
}

void OutputFile::replace(TextParts parts) {
  if (is_stream_) return write_stream(path_, parts);
  refuse_input();
  file_ = replace_file(resolved_, parts);
  is_untouched_ = false;
}

void write_output(const OutputTarget& target, FileKind kind, TextParts parts) {
  OutputFile(target, kind).replace(parts);
}

}  // namespace flashcore
