// What a sweep's problems take together, each as often as its weight says: with the table, and with what one could use
// instead.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tune/searcher.hpp"

namespace flashcore {

struct SweepTotals {
  double table_us = 0;               // of the winners
  std::optional<double> default_us;  // nothing if a problem's default was not timed
  std::optional<double>
      single_us;  // of one variant per dtype and head_dim, the best that ran all of their problems
  std::optional<double> peer_us;  // of the best peer that ran all problems
  std::string peer;               // its family
};

// One problem of a sweep: its contenders, and the index of its winner.
struct SweptContenders {
  std::span<const Contender> contenders;
  std::size_t winner = 0;
};

// Times of candidates that were dropped are those of their last round, over the winner's.
SweepTotals sweep_totals(std::span<const SweptContenders> problems, TimingMode mode);

// "weighted total 812.4 µs; default +41.2 %, one variant per dtype and head_dim +3.4 %, peer_cudnn +8.0 %".
std::string totals_text(const SweepTotals& totals);

}  // namespace flashcore
