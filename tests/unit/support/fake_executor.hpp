// An executor that runs nothing: each variant behaves as its script says, on a clock of its own. For tests of
// the run, of tuning and of comparing, which must not depend on what the machine is doing.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "execute/executor.hpp"

namespace flashcore::testing {

enum class Behaviour {
  right,
  wrong,                   // the check does not pass
  unsupported,             // says why it cannot run
  throws_in_verify,        // EnvironmentError, as from a failed launch
  throws_in_sample,        // the same, but only when timed
  out_of_memory,           // OutOfMemoryError in verify
  wrong_when_run_again,    // passes its first check of a problem, none after it
  keeps_old_result,        // its output does not follow when inputs change
  faster_on_known_inputs,  // slow only when its inputs are new
  disturbed_once,          // right; something else slows down launches on new inputs for a while
  wrong_on_large_scores,   // passes on all other inputs
  changes_its_bits,        // passes, but no two outputs are the same
  knows_no_lse,            // right; refuses problems that ask for the log-sum-exp
  takes_one_length,        // right; refuses problems whose seq_q is not kOneLength
};

struct Script {
  Behaviour behaviour = Behaviour::right;
  Status failure = Status::error;  // of what is thrown in verify or sample
  double latency_us = 10;          // median of hot
  double noise = 0.01;             // standard deviation of the logarithm of a sample
  double cold_factor = 1.1;        // cold = hot · cold_factor
  double call_overhead_us = 4;     // call = hot + call_overhead_us
  // Whether something is compiled during the variant's sample of this number; it then takes long.
  std::function<bool(int)> compiles = [](int) { return false; };
  KernelNotes notes = {};
  BatchInvariance batch = {.companies = 9};
};

inline constexpr std::int64_t kOneLength = 40;

class FakeExecutor : public Executor {
 public:
  explicit FakeExecutor(std::uint64_t noise_seed = 1) : random_(noise_seed) {
    device_.name = "fake device";
    device_.limits = {.compute_capability = 90, .max_smem_bytes_per_block = 232448, .num_sms = 132};
    device_.memory_bytes = device_.free_memory_bytes = std::int64_t{80} << 30;
    device_.l2_bytes = std::int64_t{50} << 20;
  }

  // Variants without a script are right and take 10 µs.
  void set_script(const std::string& variant_id, const Script& script) { scripts_[variant_id] = script; }
  // prepare() throws OutOfMemoryError for the problem of this name, from its call after `fine` calls on.
  void refuse_problem(const std::string& name, int fine = 0) { refused_[name] = fine; }
  // Of a device whose telemetry is read.
  void set_bus_id(const std::string& id) { device_.pci_bus_id = id; }

  // A request takes `request_factor` times the sample in it. Controls take turns.
  void set_clock(double request_factor, std::vector<Control> controls) {
    request_factor_ = request_factor;
    controls_ = std::move(controls);
  }

  double elapsed_us() const { return elapsed_us_; }  // of the fake clock: what samples and checks took
  const std::vector<std::string>& calls() const {
    return calls_;
  }  // "prepare seed", "hot scalar/…", in order

  const DeviceInfo& device() const override { return device_; }

  std::int64_t required_bytes(const Problem& problem) const override {
    return static_cast<std::int64_t>(compulsory_bytes(problem));
  }

  void prepare(const Problem& problem, std::uint64_t,
               kernels::InputKind inputs = kernels::InputKind::normal) override {
    calls_.push_back("prepare " + problem.name);
    inputs_ = inputs;
    problem_ = problem;
    checks_.clear();
    if (const auto refused = refused_.find(problem.name);
        refused != refused_.end() && refused->second-- <= 0) {
      throw OutOfMemoryError("the fake device has no room for " + problem.name);
    }
  }

  std::string unsupported(const Variant& variant) const override {
    const Behaviour behaviour = script_of(variant).behaviour;
    const bool refuses = behaviour == Behaviour::unsupported ||
                         (behaviour == Behaviour::knows_no_lse && problem_.lse) ||
                         (behaviour == Behaviour::takes_one_length && problem_.seq_q != kOneLength);
    return refuses ? "the script says so" : "";
  }

  Check verify_replays(const Variant& variant, const CheckPolicy& policy, int) override {
    return verify(variant, policy);
  }

  BatchInvariance test_batch_invariance(const Variant& variant) override {
    calls_.push_back("batches " + variant.id());
    return script_of(variant).batch;
  }

  Check verify(const Variant& variant, const CheckPolicy& policy) override {
    calls_.push_back("verify " + variant.id());
    const Script script = script_of(variant);
    elapsed_us_ += script.latency_us;
    if (script.behaviour == Behaviour::throws_in_verify) {
      throw EnvironmentError("the fake launch failed", script.failure);
    }
    if (script.behaviour == Behaviour::out_of_memory)
      throw OutOfMemoryError("no room for the fake workspace");
    const bool again = checks_[variant.id()]++ > 0;
    last_changes_ = script.behaviour == Behaviour::changes_its_bits;
    const bool wrong = script.behaviour == Behaviour::wrong ||
                       (script.behaviour == Behaviour::wrong_on_large_scores &&
                        inputs_ == kernels::InputKind::large_scores) ||
                       (script.behaviour == Behaviour::wrong_when_run_again && again);
    return wrong ? make_check(policy, 1e3, "the fake output is wrong") : make_check(policy, 1, "");
  }

  std::string output_hash() const override { return last_changes_ ? std::to_string(calls_.size()) : "same"; }

  Sample sample(const Variant& variant, TimingMode mode) override {
    calls_.push_back(std::string(to_string(mode)) + " " + variant.id());
    const Script script = script_of(variant);
    if (script.behaviour == Behaviour::throws_in_sample) {
      throw EnvironmentError("the fake launch failed", script.failure);
    }
    const double hot = script.latency_us * std::exp(script.noise * normal_(random_));
    const double us = mode == TimingMode::hot    ? hot
                      : mode == TimingMode::cold ? hot * script.cold_factor
                                                 : hot + script.call_overhead_us;
    elapsed_us_ += us;
    if (script.compiles(samples_[variant.id()]++)) return {.us = 1e6, .compiled = true};
    return {.us = us, .launches = 1, .request_us = us * request_factor_};
  }

  std::optional<Control> control(double) override {
    if (controls_.empty()) return {};
    return controls_[static_cast<std::size_t>(controls_taken_++) % controls_.size()];
  }
  int controls_taken() const { return controls_taken_; }

  CheckedSample verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) override {
    const Sample taken = sample(variant, mode);
    calls_.back().insert(0, "checked ");
    const bool stale = script_of(variant).behaviour == Behaviour::keeps_old_result;
    return {.check = stale ? make_check(policy, 1e3, "the fake output is stale") : make_check(policy, 1, ""),
            .sample = taken};
  }

  Contrast contrast(const Variant& variant, int) override {
    const Script script = script_of(variant);
    const double us = script.latency_us;
    if (script.behaviour == Behaviour::disturbed_once && contrasts_[variant.id()]++ < kDisturbedRounds) {
      return {.unchanged_us = us, .changed_us = 1000 * us};
    }
    const bool faster = script.behaviour == Behaviour::faster_on_known_inputs;
    return {.unchanged_us = faster ? us / 1000 : us, .changed_us = us};
  }

  KernelNotes notes(const Variant& variant) const override { return script_of(variant).notes; }

  std::string code_hash(const Variant& variant) const override { return "hash of " + variant.id(); }

  void measure_ceilings() override {
    device_.ceilings = {.copy_bytes_per_s = 3e12, .mma_flops_per_s = 6e14, .exp2_per_s = 4e12};
  }

  Resources resources(const Variant&) const override { return {.registers = 64, .threads = 128}; }

 private:
  Script script_of(const Variant& variant) const {
    const auto found = scripts_.find(variant.id());
    return found == scripts_.end() ? Script{} : found->second;
  }

  // Errors `factor` times those of an unfused attention.
  static Check make_check(const CheckPolicy& policy, double factor, const std::string& reason) {
    constexpr double kMaxAbs = 5e-4;
    constexpr double kRelL2 = 2.5e-4;
    Check check;
    check.error = {
        .max_abs = factor * kMaxAbs, .mean_abs = factor * 1e-5, .rel_l2 = factor * kRelL2, .worst_index = 0};
    check.limit = {.max_abs = policy.unfused_factor * kMaxAbs, .rel_l2 = policy.unfused_factor * kRelL2};
    check.unfused_max_abs = kMaxAbs;
    check.unfused_rel_l2 = kRelL2;
    check.passed = reason.empty();
    check.reason = reason;
    return check;
  }

  DeviceInfo device_;
  std::map<std::string, Script> scripts_;
  std::map<std::string, int> refused_;
  static constexpr int kDisturbedRounds = 2;
  std::map<std::string, int> checks_;  // of the prepared problem, by variant
  std::map<std::string, int> contrasts_;
  std::map<std::string, int> samples_;
  std::vector<std::string> calls_;
  Problem problem_;
  kernels::InputKind inputs_ = kernels::InputKind::normal;
  bool last_changes_ = false;  // the variant verified last is one that changes its bits
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double elapsed_us_ = 0;
  double request_factor_ = 0;  // requests are not timed
  std::vector<Control> controls_;
  int controls_taken_ = 0;
};

// A variant of a family that exists only in tests. `family` must outlive it, as a literal does.
inline Variant fake_variant(std::string_view family, Tile tile = {64, 64, 4, 2}) {
  return {.family = family,
          .spec = {Dtype::fp16, 64, tile},
          .backend = Backend::cpu,
          .summary = "exists only in tests"};
}

}  // namespace flashcore::testing
