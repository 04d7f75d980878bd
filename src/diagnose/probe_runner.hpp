// Runs one variant on problems that probes make up, and compares it with the reference.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "diagnose/finding.hpp"
#include "execute/launcher.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// The variant cannot run a problem; the probe that asked is skipped.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One launch: what came out, what should have, both contiguous.
struct ProbeRun {
  Problem problem;
  Check check;                         // the judgement of a normal run
  std::vector<float> out, wanted_out;  // [batch, heads_q, seq_q, head_dim]
  std::vector<float> lse, wanted_lse;  // [batch, heads_q, seq_q]
  std::vector<bool> unwritten;         // of out

  // O alone is as it should be, wherever it was written to.
  bool out_right() const;
  bool lse_right() const;
  // "log-sum-exp of batch 0, head 1, row 2 is 1.5, wanted 2.5"; empty when all are right.
  std::string first_bad_lse() const;
  bool finite() const;  // no element of out is NaN or infinite where it should not be
  // From what difference on an element of O counts as wrong.
  double element_limit() const;
};

// Is told what happens while a diagnosis is made.
struct DiagnosisObserver {
  std::function<void(Probe)> on_probe = [](Probe) {};
  std::function<void(const Finding&)> on_finding = [](const Finding&) {};
  // Before the variant's own code runs on a problem, and after it.
  std::function<void(const Problem&)> on_call = [](const Problem&) {};
  std::function<void()> on_return = [] {};
};

// Something that a launch has done beside what its probe asks for.
struct LaunchNote {
  std::string detail;
  Problem problem;
};

// The first launch of each kind.
struct LaunchNotes {
  std::optional<LaunchNote> inputs_changed;
  std::optional<LaunchNote> workspace_overrun;
  std::optional<LaunchNote> lse_wrong;  // where O is right
};

class ProbeRunner {
 public:
  // The pseudo-random inputs come from `seed`, the dtype of O from `asked`, the user's problem. All references must
  // outlive the runner. Each launch adds to `notes`.
  ProbeRunner(const Launcher& launcher, const Variant& variant, const Problem& asked, std::uint64_t seed,
              LaunchNotes& notes, const DiagnosisObserver& observer)
      : launcher_(launcher),
        variant_(variant),
        asked_(asked),
        seed_(seed),
        notes_(notes),
        observer_(observer) {}

  const Problem& asked() const { return asked_; }
  const Variant& variant() const { return variant_; }
  const DeviceInfo& device() const { return launcher_.info(); }
  const LaunchNotes& notes() const { return notes_; }

  // The tile's sizes, or default ones where the family has none.
  std::int64_t block_q() const;
  std::int64_t block_kv() const;
  std::int64_t head_dim() const { return variant_.spec.head_dim; }

  // A problem of the variant's dtype and head_dim with one head; asks for the log-sum-exp.
  Problem problem(std::int64_t seq_q, std::int64_t seq_kv) const;

  // Why the variant cannot run a problem, or an empty text.
  std::string unsupported(const Problem& problem) const;

  ChosenInputs random_inputs(const Problem& problem) const;

  // Throws Unsupported, and EnvironmentError when the launch fails.
  ProbeRun run(const Problem& problem, const ChosenInputs& inputs) const;
  // The outputs of `launches` launches on one problem, none of them compared with the reference but the
  // first.
  ProbeRun run_again(const Problem& problem, const ChosenInputs& inputs, int launches,
                     const std::function<void(const std::vector<float>& out)>& see) const;

 private:
  // Launches once on `inputs` into poisoned outputs, and puts the inputs back if the launch has changed them.
  void launch_once(ProblemBuffers& memory, const ChosenInputs& inputs) const;

  const Launcher& launcher_;
  const Variant& variant_;
  const Problem& asked_;
  std::uint64_t seed_;
  LaunchNotes& notes_;
  const DiagnosisObserver& observer_;
};

// [batch · heads, rows, head_dim] of value(head, row, column); head counts through batches.
std::vector<float> make_tensor(
    const TensorShape& shape,
    const std::function<float(std::int64_t head, std::int64_t row, std::int64_t column)>& value);

std::vector<float> constant_tensor(const TensorShape& shape, float value);

// Q and K of which every score with key j, before the mask, is score(j); V is zero.
ChosenInputs inputs_with_scores(const Problem& problem, const std::function<double(std::int64_t key)>& score);

// "seq_q 1, seq_kv 64".
std::string describe_lengths(const Problem& problem);

// The map of the head that holds the worst element of O, and the first bad one.
ErrorMap map_of_output(const ProbeRun& run);
std::optional<BadElement> first_bad_output(const ProbeRun& run);

// A failure with map and first bad element of O.
Finding failure(Probe probe, Symptom symptom, const ProbeRun& run, std::string detail);

}  // namespace flashcore
