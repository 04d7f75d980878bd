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
struct Trial {
  Problem problem;
  Check check;                         // the judgement of a normal run
  std::vector<float> out, wanted_out;  // [batch, heads_q, seq_q, head_dim]
  std::vector<float> lse, wanted_lse;  // [batch, heads_q, seq_q]
  std::vector<bool> unwritten;         // of out

  // O alone is as it should be, wherever it was written to.
  bool out_right() const;
  bool lse_right() const;
  bool finite() const;  // no element of out is NaN or infinite where it should not be
  // From what difference on an element of O counts as wrong.
  double element_limit() const;
};

class Bench {
 public:
  // The pseudo-random inputs come from `seed`, the dtype of O from the problem that was asked for. `launcher` and
  // `variant` must outlive the bench.
  Bench(const Launcher& launcher, const Variant& variant, const Problem& asked, std::uint64_t seed)
      : launcher_(launcher), variant_(variant), out_dtype_(asked.out_dtype), seed_(seed) {}

  const Variant& variant() const { return variant_; }
  const DeviceInfo& device() const { return launcher_.info(); }

  // The tile's sizes, or the usual ones where the family has none.
  std::int64_t block_q() const;
  std::int64_t block_kv() const;
  std::int64_t head_dim() const { return variant_.spec.head_dim; }

  // A problem of the variant's dtype and head_dim with one head; asks for the log-sum-exp.
  Problem problem(std::int64_t seq_q, std::int64_t seq_kv) const;

  ChosenInputs random_inputs(const Problem& problem) const;

  // Throws Unsupported, and EnvironmentError when the launch fails.
  Trial run(const Problem& problem, const ChosenInputs& inputs) const;
  // The outputs of `launches` launches on one problem, none of them compared with the reference but the
  // first.
  Trial run_again(const Problem& problem, const ChosenInputs& inputs, int launches,
                  const std::function<void(const std::vector<float>& out)>& see) const;

 private:
  const Launcher& launcher_;
  const Variant& variant_;
  std::optional<Dtype> out_dtype_;
  std::uint64_t seed_;
};

// [batch · heads, rows, head_dim] of value(head, row, column); head counts through batches.
std::vector<float> make_tensor(
    const TensorShape& shape,
    const std::function<float(std::int64_t head, std::int64_t row, std::int64_t column)>& value);

std::vector<float> constant_tensor(const TensorShape& shape, float value);

// Q and K of which every score with key j, before the mask, is score(j); V is zero.
ChosenInputs inputs_with_scores(const Problem& problem, const std::function<double(std::int64_t key)>& score);

// The map of the head that holds the worst element of O, and the first bad one.
ErrorMap map_of_output(const Trial& trial);
std::optional<BadElement> first_bad_output(const Trial& trial);

// A failure with map and first bad element of O.
Finding failure(Probe probe, Sign sign, const Trial& trial, std::string detail);

}  // namespace flashcore
