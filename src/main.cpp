// The program flashcore-bench. Prints an error as one line on standard error and returns its exit code.
#include <fmt/format.h>

#include <exception>
#include <new>
#include <string_view>

#include "base/error.hpp"
#include "base/streams.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"

namespace {

// JSON keys and paths in a message may contain control characters; printable() keeps the message on one line.
int fail(flashcore::ExitCode code, std::string_view message) {
  flashcore::say(fmt::format("flashcore-bench: error: {}\n", flashcore::printable(message)));
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  using flashcore::ExitCode;
  flashcore::reserve_standard_streams();
  try {
    const ExitCode code = flashcore::run_program(argc, argv);
    if (!flashcore::flush_standard_output())
      return fail(ExitCode::environment, "standard output cannot be written");
    return static_cast<int>(code);
  } catch (const flashcore::Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::environment, "out of host memory");
  } catch (const std::exception& error) {
    return fail(ExitCode::environment, error.what());
  }
}
