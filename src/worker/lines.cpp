#include "worker/lines.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace flashcore {
namespace {

constexpr int kFirstHidden = 100;   // a process seldom has as many files
constexpr int kLastHidden = 60000;  // a larger table of files would take memory

// A number for a descriptor that a kernel does not meet by chance.
int hidden_number() {
  rlimit limit{};
  const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
  const int end = known ? static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kLastHidden)) : kFirstHidden;
  std::random_device random;
  return std::uniform_int_distribution<int>(std::min(kFirstHidden, end / 2),
                                            std::max(kFirstHidden, end - 32))(random);
}

}  // namespace

Lines::Lines() : owner_(::getpid()), in_(duplicate(STDIN_FILENO, "r")), out_(duplicate(STDOUT_FILENO, "w")) {
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(nothing.get(), STDIN_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a crash loses no printed line
}

Lines::~Lines() { std::free(buffer_); }

std::optional<std::string_view> Lines::next() {
  const ssize_t length = ::getline(&buffer_, &capacity_, in_.get());
  if (length <= 0) return std::nullopt;
  return std::string_view(buffer_, static_cast<std::size_t>(length));
}

void Lines::put(const std::string& line) {
  if (::getpid() != owner_) ::_exit(EXIT_SUCCESS);
  if (std::fputs((line + "\n").c_str(), out_.get()) < 0 || std::fflush(out_.get()) != 0) {
    throw EnvironmentError("worker: standard output cannot be written");
  }
}

Lines::File Lines::duplicate(int number, const char* mode) {
  int copy = ::fcntl(number, F_DUPFD_CLOEXEC, hidden_number());
  if (copy < 0) copy = ::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  std::FILE* file = copy < 0 ? nullptr : ::fdopen(copy, mode);
  if (file == nullptr) throw EnvironmentError("worker: standard input and output must be open");
  return File(file);
}

}  // namespace flashcore
