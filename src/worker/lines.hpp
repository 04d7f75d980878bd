// The standard input and output of a process that exchanges lines with its parent.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flashcore {

// Moves standard input and output to random numbers far from those that the next files get, then connects standard
// input to /dev/null and standard output to standard error, so that kernels and plug-ins cannot disturb the lines. A
// process that a kernel has forked ends where it would write a line.
class Lines {
 public:
  Lines();  // throws EnvironmentError
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  std::optional<std::string_view> next();
  void put(const std::string& line);  // throws EnvironmentError

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, CloseFile>;

  static File duplicate(int number, const char* mode);

  pid_t owner_;
  File in_;
  File out_;
  char* buffer_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace flashcore
