// Runs one variant on the problems of probes, and compares its outputs with the reference.
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

// Thrown if the variant cannot run a problem. The probe is then skipped.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The outputs of one launch and the wanted outputs, all contiguous.
struct ProbeRun {
  Problem problem;
  Check check;                         // with the default policy
  std::vector<float> out, wanted_out;  // [batch, heads_q, seq_q, head_dim]
  std::vector<float> lse, wanted_lse;  // [batch, heads_q, seq_q]
  std::vector<bool> unwritten;         // for each element of out

  // O is right. Elements that were written outside of O do not count.
  bool out_right() const;
  bool lse_right() const;  // true if the variant has none
  // "the log-sum-exp of batch 0, head 1, row 2 is 1.5, wanted 2.5"; empty if all are right.
  std::string first_bad_lse() const;
  bool finite() const;  // written elements of out are finite exactly where wanted_out is
  // An element of O with a larger difference is wrong.
  double element_limit() const;
};

// Callbacks for the events of a diagnosis.
struct DiagnosisObserver {
  std::function<void(Probe)> on_probe = [](Probe) {};
  // Called before the variant's own code runs on a problem, and after it has returned.
  std::function<void(const Problem&)> on_call = [](const Problem&) {};
  std::function<void()> on_return = [] {};
};

// An error of a launch that its probe does not test.
struct LaunchNote {
  std::string detail;
  Problem problem;
};

// The first error of each kind.
struct LaunchNotes {
  std::optional<LaunchNote> inputs_changed;
  std::optional<LaunchNote> workspace_overrun;
  std::optional<LaunchNote> lse_wrong;  // while O is right
};

class ProbeRunner {
 public:
  // `asked` is the user's problem. Pseudo-random inputs follow from `seed`, and the dtype of O from `asked`.
  // All references must outlive the runner. Launches add to `notes`.
  ProbeRunner(const Launcher& launcher, const Variant& variant, const Problem& asked, std::uint64_t seed,
              LaunchNotes& notes, const DiagnosisObserver& observer)
      : launcher_(launcher),
        variant_(variant),
        asked_(asked),
        seed_(seed),
        notes_(notes),
        observer_(observer),
        form_(find_form()) {}

  const Problem& asked() const { return asked_; }
  const Variant& variant() const { return variant_; }
  const DeviceInfo& device() const { return launcher_.info(); }
  const LaunchNotes& notes() const { return notes_; }

  // The sizes of the tile, or default sizes if the family has no tile.
  std::int64_t block_q() const;
  std::int64_t block_kv() const;
  std::optional<Dtype> kv_dtype() const;  // of K and V, if not that of Q
  std::int64_t head_dim() const { return variant_.spec.head_dim; }

  // A problem with the variant's dtype and head_dim, one batch and one head. It asks for the log-sum-exp if the variant
  // has one.
  Problem problem(std::int64_t seq_q, std::int64_t seq_kv) const;
  // The same, for a probe that asks for nothing else. Throws Unsupported if the variant has no log-sum-exp.
  Problem lse_problem(std::int64_t seq_q, std::int64_t seq_kv) const;

  // The reason why the variant cannot run a problem; empty if it can. Variants that are made for ragged batches or paged
  // caches run a rectangular problem as one.
  std::string unsupported(const Problem& problem) const;

  ChosenInputs random_inputs(const Problem& problem) const;

  // O of the reference, in the order of ProbeRun::out.
  std::vector<float> reference_out(const Problem& problem, const ChosenInputs& inputs) const;

  // Throws Unsupported if the variant cannot run the problem, and EnvironmentError if the launch fails.
  ProbeRun run(const Problem& problem, const ChosenInputs& inputs) const;
  // The same, then `launches` further launches on the same inputs. `see` receives O of each further launch;
  // it is not compared with the reference.
  ProbeRun run_again(const Problem& problem, const ChosenInputs& inputs, int launches,
                     const std::function<void(const std::vector<float>& out)>& see) const;

 private:
  // What a variant needs that does not run sequences of equal lengths with contiguous K and V. Inputs and outputs of a
  // problem have the same order in every form.
  struct Form {
    bool ragged = false;
    bool paged = false;
  };
  Form find_form() const;
  // A rectangular problem in a form; other problems stay as they are.
  static Problem in_form(Problem problem, Form form);

  // Launches once on `inputs` into poisoned outputs. Restores the inputs if the launch has changed them.
  void launch_once(ProblemBuffers& memory, const ChosenInputs& inputs) const;

  const Launcher& launcher_;
  const Variant& variant_;
  const Problem& asked_;
  std::uint64_t seed_;
  LaunchNotes& notes_;
  const DiagnosisObserver& observer_;
  Form form_;
};

// A tensor [batch · heads, rows, head_dim] with the elements value(head, row, column). `head` counts the
// heads of all batches.
std::vector<float> make_tensor(
    const TensorShape& shape,
    const std::function<float(std::int64_t head, std::int64_t row, std::int64_t column)>& value);

std::vector<float> constant_tensor(const TensorShape& shape, float value);

// Q and K such that the score of every query with key j, before the mask, is score(j). V is zero.
ChosenInputs inputs_with_scores(const Problem& problem, const std::function<double(std::int64_t key)>& score);

// "seq_q 1, seq_kv 64".
std::string describe_lengths(const Problem& problem);

// The map of the head with the worst element of O, and the first wrong element of O.
ErrorMap map_of_output(const ProbeRun& run);
std::optional<BadElement> first_bad_output(const ProbeRun& run);

// A failure with the map and the first wrong element of O.
Finding failure(Probe probe, Symptom symptom, const ProbeRun& run, std::string detail);

}  // namespace flashcore
