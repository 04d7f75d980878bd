// The exception that reports a kernel's error; a launch throws it.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace flashcore::emulated {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace flashcore::emulated
