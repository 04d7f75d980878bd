#include "measure/series.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "measure/statistics.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kTrimmed = 10;  // one in so many turns is left out at either end

double trimmed_mean(std::vector<double> turns) {
  std::ranges::sort(turns);
  const auto out = static_cast<std::ptrdiff_t>(turns.size() / kTrimmed);
  const double sum = std::accumulate(turns.begin() + out, turns.end() - out, 0.0);
  return sum / static_cast<double>(turns.size() - 2 * static_cast<std::size_t>(out));
}

}  // namespace

void Series::add_turn(const SampleBlock& turn) {
  voided_ += turn.voided;
  if (turn.us.empty()) return;
  if (turns_.empty()) block_.begin = turn.spans.front().begin;
  block_.end = turn.spans.back().end;
  for (const TimeSpan& span : turn.spans) {
    sampled_s_ += std::chrono::duration<double>(span.end - span.begin).count();
  }
  turns_.insert(turns_.end(), turn.us.begin(), turn.us.end());
  if (turn.request_s > 0) request_share_ = std::max(request_share_, turn.sampled_s / turn.request_s);
}

double Series::block_s() const {
  std::vector<double> lengths;
  for (const TimeSpan& span : spans_) {
    lengths.push_back(std::chrono::duration<double>(span.end - span.begin).count());
  }
  std::ranges::sort(lengths);
  return lengths.empty() ? 0 : quantile(lengths, 0.5);
}

void Series::end_block() {
  if (turns_.empty()) return;
  samples_.push_back(trimmed_mean(std::move(turns_)));
  spans_.push_back(block_);
  turns_.clear();
}

void Series::restart() {
  turns_.clear();
  samples_.clear();
  spans_.clear();
  sampled_s_ = 0;
}

void Series::stop() {
  restart();
  finished_ = true;
}

}  // namespace flashcore
