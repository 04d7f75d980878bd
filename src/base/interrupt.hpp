// SIGINT, SIGTERM and SIGHUP: the program finishes the current sample, keeps all finished records and exits.
#pragma once

namespace flashcore {

// True after the first signal, or after request_interrupt(true).
bool interrupt_requested();
void request_interrupt(bool requested);
// A SIGHUP that is ignored stays ignored, as nohup(1) wants it.
void install_interrupt_handler();

}  // namespace flashcore
