#include "worker/lines.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace flashcore {

Lines::Lines() : in_(duplicate(STDIN_FILENO, "r")), out_(duplicate(STDOUT_FILENO, "w")) {
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
  if (std::fputs((line + "\n").c_str(), out_.get()) < 0 || std::fflush(out_.get()) != 0) {
    throw EnvironmentError("worker: standard output cannot be written");
  }
}

Lines::File Lines::duplicate(int number, const char* mode) {
  const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  std::FILE* file = copy < 0 ? nullptr : ::fdopen(copy, mode);
  if (file == nullptr) throw EnvironmentError("worker: standard input and output must be open");
  return File(file);
}

}  // namespace flashcore
