// Joules per call: the energy of the whole card while a variant runs back to back, over the number of launches.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/series.hpp"
#include "record/record.hpp"

namespace flashcore {

// A card updates its energy counter every 20 to 100 ms. A window is long beside that.
inline constexpr double kEnergyWindowSeconds = 1;

// A variant also runs before a window and after it, for this share of the window's length: the card's power must have
// settled when the window begins, and the counter is updated only after the window's end.
inline constexpr double kEnergyLeadShare = 0.125;
inline constexpr double kShortestWindow = 0.25;  // of a window's length, where the budget is short

inline constexpr int kMinEnergyWindows = 3;
inline constexpr double kEnergyPrecision = 0.02;  // half the 95 % interval over the mean
inline constexpr int kMaxVoidWindows = 3;         // in a row

// The mean of windows and its 95 % interval.
struct EnergyEstimate {
  double mean_j = 0;
  double low_j = 0;
  double high_j = 0;

  double half_width() const { return (high_j - low_j) / 2 / mean_j; }  // relative
};

// The interval is Student's. Of a single window it is the window itself. Nothing without windows.
std::optional<EnergyEstimate> energy_estimate(std::span<const double> windows_j);
// Of the windows of a record; of its joules per call alone if it has no windows, as records of older files.
std::optional<EnergyEstimate> energy_estimate(const Record& record);

// True if the interval is within kEnergyPrecision of the mean, over kMinEnergyWindows windows or more.
bool is_energy_precise(const Record& record);

// True if the intervals overlap, or if the means differ by at most kEnergyPrecision.
bool are_tied(const EnergyEstimate& a, const EnergyEstimate& b);

// Runs the variant for `lead_s`, for a window of `window_s`, and for `lead_s` again. Returns joules per call; nothing if
// the counter stood still or was reset, or if something was compiled meanwhile. Throws as sample_block() does.
std::optional<double> take_energy_window(Executor& executor, const Variant& variant,
                                         TelemetrySampler& telemetry, double window_s, double lead_s);

// Adds a window to the record and renews its mean.
void add_energy_window(Record& record, double joules_per_call);

struct EnergyPolicy {
  double window_s = kEnergyWindowSeconds;
  double budget_s = 0;

  double lead_s() const { return kEnergyLeadShare * window_s; }
  // The length of windows with which the budget lasts for kMinEnergyWindows of so many candidates; kShortestWindow of
  // window_s or more.
  double fitting_window_s(std::size_t candidates) const;
  // The number of candidates for whose shortest windows the budget lasts; 2 or more.
  std::size_t affordable() const;
};

// Takes windows of all candidates whose records are ok, in turns and in a new random order per round, until all are
// precise or the next round would exceed the budget. Each gets kMinEnergyWindows in any case, unless it is interrupted.
// A launch that fails becomes the status of its record. Throws EnvironmentError if kMaxVoidWindows windows in a row have no
// energy. Returns the seconds that it took.
double measure_energy(std::span<Candidate> candidates, const EnergyPolicy& policy, std::uint64_t seed,
                      Executor& executor, TelemetrySampler& telemetry,
                      const std::function<void(int round)>& on_round);

}  // namespace flashcore
