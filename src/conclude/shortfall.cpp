#include "conclude/shortfall.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "measure/statistics.hpp"
#include "record/ranking.hpp"

namespace flashcore {
namespace {

// With fewer samples no pair of order statistics holds the median with 95 %.
constexpr double kEnoughForAnInterval = 6;

// The width of the median's 95 % interval times √n, in standard deviations of normal samples.
const double kWidthOfMedian = 2 * 1.96 * std::sqrt(std::numbers::pi / 2);

double standard_deviation(const std::vector<double>& samples) {
  const auto n = static_cast<double>(samples.size());
  double sum = 0;
  for (const double sample : samples) sum += sample;
  double squares = 0;
  for (const double sample : samples) squares += (sample - sum / n) * (sample - sum / n);
  return std::sqrt(squares / (n - 1));
}

// The samples that make the interval narrow enough: its width shrinks with √n. Infinite when one sample is all there is.
double samples_for_width(const Timing& recorded, double wanted) {
  const bool usable = !recorded.samples.empty() &&
                      std::ranges::all_of(recorded.samples, [](double us) { return std::isfinite(us); });
  // The recorded interval also covers other runs; more samples narrow only the part of the samples.
  const Timing timing = usable ? make_timing(recorded.samples) : recorded;
  const auto n = static_cast<double>(timing.samples.size());
  if (n >= kEnoughForAnInterval) {
    const double width = relative_width(timing);
    return width <= wanted ? n : n * (width / wanted) * (width / wanted);
  }
  if (n < 2) return std::numeric_limits<double>::infinity();
  const double factor = kWidthOfMedian * standard_deviation(timing.samples) / (wanted * timing.median);
  return factor * factor;
}

// The modes that a word or a list of words names; words that are not known are left out.
std::vector<TimingMode> modes_in(const Json& words) {
  std::vector<TimingMode> modes;
  for (const TimingMode mode : kAll<TimingMode>) {
    const auto names_it = [&](const Json& word) { return word == to_string(mode); };
    if (names_it(words) || (words.is_array() && std::ranges::any_of(words, names_it))) modes.push_back(mode);
  }
  return modes;
}

}  // namespace

Shortfall shortfall(const Record& record, const MeasurePolicy& policy) {
  Shortfall found;
  if (!is_timed(record)) return found;
  for (const TimingMode mode : policy.modes) {
    const auto& timing = record.timings[mode];
    found.few_samples |= timing && static_cast<int>(timing->samples.size()) < policy.min_samples;
  }
  const Timing& headline = *record.headline();
  const double needed = samples_for_width(headline, policy.relative_width);
  found.wide = needed > static_cast<double>(headline.samples.size());
  found.at_limit = found.wide && needed > policy.max_samples;
  return found;
}

std::int64_t needed_samples(const Timing& timing, const MeasurePolicy& policy) {
  const double wanted = samples_for_width(timing, policy.relative_width);
  if (!(wanted < policy.max_samples)) return policy.max_samples;
  return std::max<std::int64_t>(policy.min_samples, std::llround(std::ceil(wanted)));
}

MeasurePolicy configured_rule(const Json& config) {
  MeasurePolicy rule;
  const auto block = config.find("measure");
  if (block == config.end() || !block->is_object()) return rule;
  const auto read = [&](const char* key, auto& value) {
    if (const auto found = block->find(key); found != block->end() && found->is_number())
      found->get_to(value);
  };
  read("min_samples", rule.min_samples);
  read("max_samples", rule.max_samples);
  read("relative_width", rule.relative_width);
  if (const auto clocks = block->find("clocks"); clocks != block->end()) rule.modes = modes_in(*clocks);
  if (const auto pacing = block->find("pacing");
      pacing != block->end() && *pacing == to_string(Pacing::burst)) {
    rule.pacing = Pacing::burst;
  }
  return rule;
}

}  // namespace flashcore
