// Standard streams that may be closed, full or broken.
#pragma once

#include <string_view>

namespace flashcore {

// To be called before any file is opened: no file may take the number of a standard stream that is closed. What is
// written to such a stream is an error, as on a full disk.
void reserve_standard_streams();

// Prints to standard error. A message that nobody can read is no reason to stop.
void say(std::string_view text);

// True if everything that was printed on standard output has been accepted.
bool flush_standard_output();

}  // namespace flashcore
