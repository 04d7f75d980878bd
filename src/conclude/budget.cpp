#include "conclude/budget.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "conclude/shortfall.hpp"
#include "record/ranking.hpp"

namespace flashcore {
namespace {

struct Need {
  const Timing* timing;
  std::int64_t samples;
};

std::vector<Need> needs_in(std::span<const Record> records, TimingMode mode, const MeasurePolicy& policy) {
  std::vector<Need> needs;
  for (const Record& record : records) {
    const auto& timing = record.timings[mode];
    if (is_timed(record) && timing) needs.push_back({&*timing, needed_samples(*timing, policy)});
  }
  return needs;
}

// The seconds of all samples in one mode. A record takes as many samples as the neediest record near to it.
double seconds_of(const std::vector<Need>& needs) {
  double seconds = 0;
  for (const Need& need : needs) {
    std::int64_t samples = need.samples;
    for (const Need& other : needs) {
      if (are_neighbours(need.timing->median, other.timing->median))
        samples = std::max(samples, other.samples);
    }
    const auto taken = static_cast<double>(need.timing->samples.size());
    seconds += static_cast<double>(samples) * need.timing->sampled_s / taken;
  }
  return seconds;
}

double sampled_s(const std::vector<Need>& needs) {
  double seconds = 0;
  for (const Need& need : needs) seconds += need.timing->sampled_s;
  return seconds;
}

}  // namespace

std::optional<ProblemTime> needed_time(std::span<const Record> records, const MeasurePolicy& policy,
                                       double sampling_s) {
  double known_s = 0;
  std::vector<double> by_mode;
  for (const TimingMode mode : policy.modes) {
    const std::vector<Need> needs = needs_in(records, mode, policy);
    const bool unknown =
        std::ranges::any_of(needs, [](const Need& need) { return need.timing->sampled_s <= 0; });
    if (unknown) return std::nullopt;
    known_s += sampled_s(needs);
    by_mode.push_back(seconds_of(needs));
  }
  if (known_s <= 0) return ProblemTime{};
  const double overhead = std::max(1.0, sampling_s / known_s);
  // Mode k of n may sample until k / n of the budget is spent.
  ProblemTime time;
  for (std::size_t i = 0; i < by_mode.size(); ++i) {
    time.spent_s += overhead * by_mode[i];
    const double part = static_cast<double>(i + 1) / static_cast<double>(by_mode.size());
    time.share_s = std::max(time.share_s, time.spent_s / part);
  }
  return time;
}

double sufficient_budget_s(std::span<const ProblemTime> problems) {
  double budget_s = 0;
  double before_s = 0;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    budget_s = std::max(budget_s, before_s + static_cast<double>(problems.size() - i) * problems[i].share_s);
    before_s += problems[i].spent_s;
  }
  return budget_s;
}

double with_two_digits(double seconds) {
  if (!(seconds > 0)) return 0;
  const double step = std::pow(10, std::floor(std::log10(seconds)) - 1);
  return std::ceil(seconds / step * (1 - 1e-9)) * step;
}

}  // namespace flashcore
