// How well a table serves problems that it was not tuned for, by cross-validation: each tuned problem is left out, and the
// rule that was made without it chooses for it.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attention/phase.hpp"
#include "base/json.hpp"
#include "tune/dispatch_rule.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {

// The tuned problems of one dtype, head_dim and phase.
struct RuleGroup {
  Dtype dtype = Dtype::fp16;
  std::int64_t head_dim = 0;
  Phase phase = Phase::prefill;
  int num_sms = 0;
  std::vector<RulePoint> points;
  std::vector<std::size_t> entries;  // of each point, the index of its entry
};

// The variant of an id with the hash of its code; null if it must not be used.
using FindTuned = std::function<const Variant*(const std::string& id, const std::string& code_hash)>;

// Entries whose winner cannot be used are left out, and so are times of such variants.
std::vector<RuleGroup> rule_groups(std::span<const TunedEntry> entries, const FindTuned& find);

// Times over those of the best variant, less 1.
struct DispatchLoss {
  double worst = 0;
  double sum = 0;  // weighted
  double weight = 0;

  double mean() const { return weight > 0 ? sum / weight : 0; }
  void add(double loss, double of_weight) {
    worst = std::max(worst, loss);
    sum += of_weight * loss;
    weight += of_weight;
  }
  void add(const DispatchLoss& other) {
    worst = std::max(worst, other.worst);
    sum += other.sum;
    weight += other.weight;
  }
};

struct DispatchReport {
  Fingerprint fingerprint;
  Dtype dtype = Dtype::fp16;
  std::int64_t head_dim = 0;
  Phase phase = Phase::prefill;
  std::size_t problems = 0;
  std::vector<std::string> variants;  // those that problems which were not tuned may get, besides the default
  DispatchLoss left_out;              // of the choice, over the problems left out whose choice was timed
  DispatchLoss by_default;            // of the default, over the same
};

// The loss of the choice and of the default on each point of one group, left out. At most 32 rules are made: of larger
// groups, several points are left out at a time.
void cross_validate(const RuleGroup& group, DispatchReport& report);

// One per fingerprint, dtype, head_dim and phase of the table.
std::vector<DispatchReport> dispatch_reports(std::span<const TunedEntry> entries);

// "worst +3.1 %, mean +0.4 % on problems left out; default: worst +41 %, mean +9 %"; empty without such a problem.
std::string dispatch_sentence(std::span<const DispatchReport> reports);

// One object per report.
std::vector<Json> to_json(std::span<const DispatchReport> reports);

}  // namespace flashcore
