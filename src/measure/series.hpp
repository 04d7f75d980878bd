// The samples of one candidate in one timing mode.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "measure/sample_block.hpp"
#include "record/record.hpp"

namespace flashcore {

// A variant that passed its check, and the record for its timings.
struct Candidate {
  const Variant* variant;
  Record* record;
};

// Turns become samples: end_block() makes one sample of the turns since the last call.
class Series {
 public:
  explicit Series(const Candidate& candidate) : candidate_(candidate) {}

  const Variant& variant() const { return *candidate_.variant; }
  Record& record() const { return *candidate_.record; }

  void add_turn(const SampleBlock& turn);  // nothing but void samples is no turn
  // The sample is the mean of the turns without the fastest and the slowest tenth: the clock of a card at its power
  // limit changes within a block, and every clock counts by its time.
  void end_block();
  // Deletes what was taken so far.
  void restart();
  // The same, and takes no more.
  void stop();

  bool finished() const { return finished_; }
  std::size_t size() const { return samples_.size(); }
  // In the order in which they were taken.
  const std::vector<double>& samples() const { return samples_; }
  const std::vector<TimeSpan>& spans() const { return spans_; }
  double block_s() const;  // the median length of a block
  // What the turns of the samples took, with their requests.
  double sampled_s() const { return sampled_s_; }
  // Samples that do not count, because something was compiled meanwhile.
  int voided() const { return voided_; }
  // Like Timing::request_share; 0: unknown.
  double request_share() const { return request_share_; }

  bool verified = false;  // the last turn was checked
  // Where the record warns of void samples.
  std::optional<std::size_t> warning;

 private:
  Candidate candidate_;
  std::vector<double> turns_;
  TimeSpan block_{};
  std::vector<double> samples_;
  std::vector<TimeSpan> spans_;
  double sampled_s_ = 0;
  double request_share_ = 0;
  int voided_ = 0;
  bool finished_ = false;
};

}  // namespace flashcore
