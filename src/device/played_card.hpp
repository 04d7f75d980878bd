// One CPU as several cards: how the tuning of a fleet is tested on one machine.
#pragma once

#include <optional>
#include <string>

namespace flashcore {

// FLASHCORE_PLAYED_CARD="Card A", "Card A@1980" or "Card A@1980,300": the CPU has the name "Card A, played by <processor>"
// and, where a clock is given, telemetry that reads that SM clock in MHz. With a power in watts, the card draws it all the
// time, and has a counter of its energy. Names are part of fingerprints, so that these results do not pass for
// results of a card or of this CPU.
struct PlayedCard {
  std::string name;
  std::optional<double> sm_clock_mhz;
  std::optional<double> power_w;
};

// Nothing if the variable is not set. Throws UsageError that names it.
std::optional<PlayedCard> played_card();

}  // namespace flashcore
