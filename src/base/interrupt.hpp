// SIGINT and SIGTERM: the program ends after the sample in hand and keeps what was done.
#pragma once

namespace flashcore {

// True once a signal has come.
bool interrupt_requested();
void install_interrupt_handler();

}  // namespace flashcore
