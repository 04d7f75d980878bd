// SIGINT and SIGTERM: the program finishes the current sample, keeps all finished records and exits.
#pragma once

namespace flashcore {

// True after the first signal, or after request_interrupt(true).
bool interrupt_requested();
void request_interrupt(bool requested);
void install_interrupt_handler();

}  // namespace flashcore
