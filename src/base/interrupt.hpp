// SIGINT and SIGTERM: the program finishes the current sample, keeps all finished records and exits.
#pragma once

namespace flashcore {

// True after the first signal.
bool interrupt_requested();
void install_interrupt_handler();

}  // namespace flashcore
