// Tunes all problems: distributes them over the devices. Each device sweeps one problem at a time.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "execute/executor.hpp"
#include "tune/space.hpp"
#include "tune/sweep.hpp"

namespace flashcore {

// Receives the events of a sweep from one thread at a time. An exception from it ends the sweep.
class TuneListener {
 public:
  virtual ~TuneListener() = default;
  virtual void completed(std::span<const Contender* const> contenders) = 0;
  virtual void swept(std::size_t problem, const SweptProblem& result) = 0;  // `problem`: index into the space
  virtual void doing(std::string_view what) = 0;
  virtual void began(std::size_t) {}  // receives the problem's index into the space
};

// The share of a problem's budget for energy, if the objective needs it. The search gets kSearchShare of the rest, the final
// round what is left. Energy also gets what they leave.
inline constexpr double kEnergyShare = 0.5;
inline constexpr double kSearchShare = 0.75;
constexpr double timing_share(Objective objective) { return needs_energy(objective) ? 1 - kEnergyShare : 1; }
constexpr double search_share(Objective objective) { return kSearchShare * timing_share(objective); }
constexpr double final_share(Objective objective) { return (1 - kSearchShare) * timing_share(objective); }

using OpenExecutor = std::function<std::unique_ptr<Executor>()>;

// Sweeps every problem of the space, each on one device. A single device runs in the calling thread; each of
// several devices runs in its own thread, which also opens its executor. The policy's budget_s is per device. Half of it is
// dealt out evenly, half by the problems' weights and expected times; later problems may use time that earlier ones
// have left. An interrupt stops after the current sample.
// Rethrows the first error of a device after all devices have stopped.
void tune(std::span<const ProblemSpace> space, std::span<const KnownRecord> known, const SweepPolicy& policy,
          std::span<const OpenExecutor> devices, TuneListener& listener);

}  // namespace flashcore
