// The program flashcore-bench. Prints an error as one line on standard error and returns its exit code.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"

namespace {

// JSON keys and paths in a message may contain control characters; printable() keeps the message on one line.
int fail(flashcore::ExitCode code, std::string_view message) {
  fmt::print(stderr, "flashcore-bench: error: {}\n", flashcore::printable(message));
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  using flashcore::ExitCode;
  try {
    const ExitCode code = flashcore::run_program(argc, argv);
    if (std::fflush(stdout) != 0) return fail(ExitCode::environment, "standard output cannot be written");
    return static_cast<int>(code);
  } catch (const flashcore::Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::environment, "out of host memory");
  } catch (const std::exception& error) {
    return fail(ExitCode::environment, error.what());
  }
}
