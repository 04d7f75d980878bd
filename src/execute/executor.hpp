// An executor runs variants on one device: it owns the buffers of a problem, checks outputs and takes time
// samples. record/timing_mode.hpp has the timing modes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/policy.hpp"
#include "device/device_info.hpp"
#include "kernels/common/inputs.hpp"
#include "record/record.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// The mean microseconds per launch, and the number of launches.
struct Sample {
  double us = 0;
  int launches = 1;
  // The duration of the request for the sample, by the clock of a process without the kernel; 0: none.
  double request_us = 0;
  bool compiled = false;  // something was compiled meanwhile: the time is not the launches'
};

// A sample whose output was checked.
struct CheckedSample {
  Check check;
  std::optional<Sample> sample;  // absent if a worker of an older build does not send it
};

// Microseconds per launch, from the fastest launches of each kind. A kernel that does its work takes as long
// for values that it has seen before as for others.
struct Contrast {
  double unchanged_us = 0;  // with the values of the launch before, whose output is still there
  double changed_us = 0;    // with values that no launch has seen
  double faster_share = 1;  // of the pairs, those whose launch with the same values was the faster one
};

// A kernel of this program, timed as samples are. It takes at least `least_us`, whatever the clock says.
struct Control {
  double us = 0;
  double least_us = 0;    // 0: not known
  double request_us = 0;  // as in Sample
};

// Whether the outputs of a sequence have the same bits alone and in every company of check/batch_companies.hpp.
struct BatchInvariance {
  int companies = 0;  // in which the variant ran; 0: nothing is known
  std::string
      broken_in;  // the first company whose bits differ: "in chunks (149 queries, 331 keys)"; empty: none
};

class Executor {
 public:
  virtual ~Executor() = default;

  virtual const DeviceInfo& device() const = 0;

  // Runs the built-in probe, if the device has one, and stores the result in device(). Throws nothing.
  virtual void measure_ceilings() {}

  // Bytes of device memory that prepare() would take.
  virtual std::int64_t required_bytes(const Problem& problem) const = 0;

  // Frees the last problem, then makes seeded inputs and their reference. If only this problem cannot be
  // prepared, throws OutOfMemoryError, or EnvironmentError with another status than `error`.
  virtual void prepare(const Problem& problem, std::uint64_t seed,
                       kernels::InputKind inputs = kernels::InputKind::normal) = 0;

  // The reason why the variant cannot run the prepared problem, or an empty string.
  virtual std::string unsupported(const Variant& variant) const = 0;

  // Poisons the output, launches once, and compares the output with the reference. A launch that changes its
  // inputs does not pass; the inputs are then restored. Throws EnvironmentError if the launch fails.
  virtual Check verify(const Variant& variant, const CheckPolicy& policy) = 0;

  // Hash of every bit of the current outputs, including guards and gaps.
  virtual std::string output_hash() const = 0;

  // Takes one sample. Its launches read two or more views of the inputs in turns, so that no launch finds its
  // own result in the output.
  virtual Sample sample(const Variant& variant, TimingMode mode) = 0;

  // Writes new random values to the inputs at the same addresses, poisons the outputs and takes a sample.
  // Then compares randomly chosen rows with a reference of the new values, and the whole output with a lone
  // launch on them. An output of earlier inputs does not pass, nor an output that is written after the launch
  // was complete. verify() restores the first values.
  virtual CheckedSample verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) = 0;

  // For ragged batches without a shared prefix: verify_sample() of `hot` with the lengths of the prepared problem dealt out anew, `deals` times, in
  // the same memory. A launch that was captured is not captured again. Restores the lengths.
  virtual Check verify_replays(const Variant& variant, const CheckPolicy& policy, int deals) = 0;

  // Launches the variant on small problems like the prepared one. Nothing is known of a worker of an older build.
  virtual BatchInvariance test_batch_invariance(const Variant&) { return {}; }

  // Times launches whose inputs change before each launch, and launches whose inputs do not change, in turns,
  // `pairs` times. The memory of the inputs is read and written before both kinds of launches. Changes inputs
  // like verify_sample().
  virtual Contrast contrast(const Variant& variant, int pairs) = 0;

  // A control of about `us`. Absent where samples are timed by the clock of the host, whose requests hold
  // nothing but the sample.
  virtual std::optional<Control> control(double /*us*/) { return {}; }

  virtual Resources resources(const Variant& variant) const = 0;

  // Why the samples of the prepared problem were direct calls although other variants replay a captured graph; empty if
  // they were not.
  virtual std::string why_direct(const Variant&) const { return ""; }

  // What the variant's family knows of its launches of the prepared problem; nothing before the first.
  virtual KernelNotes notes(const Variant&) const { return {}; }

  // Waits until the device has no work, also none that a kernel left in a stream of its own. Returns what a kernel has
  // left on the device that would disturb others; empty if nothing. Throws EnvironmentError if the device cannot be
  // used any more.
  virtual std::string settle() { return ""; }

  // What the variant's code has left behind in its process, for a reader of the record.
  virtual std::vector<std::string> left_behind(const Variant&) const { return {}; }

  // Hash of the code of the variant's kernel, as code_hash_of() has it; empty if it is unknown. Kernels of a library that
  // chooses its code by the problem have one only after prepare().
  virtual std::string code_hash(const Variant&) const { return ""; }
};

}  // namespace flashcore
