#include "base/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "base/text_table.hpp"

namespace flashcore {

bool is_terminal(int file_descriptor) {
  const char* term = std::getenv("TERM");
  return ::isatty(file_descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

int terminal_width(int file_descriptor, int otherwise) {
  winsize size{};
  if (::ioctl(file_descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return otherwise;
  return size.ws_col;
}

int output_width() { return terminal_width(STDOUT_FILENO, kAnyWidth); }

}  // namespace flashcore
