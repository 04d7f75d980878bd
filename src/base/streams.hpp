// Standard streams that may be closed, full or broken.
#pragma once

#include <string_view>

namespace flashcore {

// Takes the numbers of standard streams that are closed, so that no file gets one. Call it before any file is opened.
// Writing to such a stream is an error, as on a full disk.
void reserve_standard_streams();

// Prints to standard error. A message that nobody can read is no reason to stop.
void say(std::string_view text);

// True if everything that was printed on standard output has been accepted.
bool flush_standard_output();

}  // namespace flashcore
