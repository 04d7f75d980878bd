// The whole sweep: problems are handed out to the devices, one sweep a device at a time.
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

// Told of what happens, by one thread at a time. What it throws ends the sweep.
class TuneListener {
 public:
  virtual ~TuneListener() = default;
  virtual void settled(std::span<const Contender* const> contenders) = 0;
  virtual void swept(std::size_t problem, const SweptProblem& result) = 0;  // `problem`: index into the space
  virtual void doing(std::string_view what) = 0;
};

using OpenExecutor = std::function<std::unique_ptr<Executor>()>;

// Sweeps every problem of the space, each on one device: with one in the calling thread, with several in a
// thread for each, where its executor is opened, too. The policy's budget_s is for each device; what one
// problem leaves, the next may use. An interrupt ends it after the sample in hand. Rethrows the first error
// of any device once all have stopped.
void tune(std::span<const ProblemSpace> space, std::span<const KnownRecord> known, const SweepPolicy& policy,
          std::span<const OpenExecutor> devices, TuneListener& listener);

}  // namespace flashcore
