// Terminals: whether an output is one, and how wide it is.
#pragma once

namespace flashcore {

// True when the file descriptor is a terminal that understands cursor movement (TERM is not "dumb").
bool is_terminal(int file_descriptor);

// Columns of the terminal behind the file descriptor, or `otherwise`.
int terminal_width(int file_descriptor, int otherwise);

// Columns of standard output; kAnyWidth where it is no terminal, so that files and pipes get everything.
int output_width();

}  // namespace flashcore
