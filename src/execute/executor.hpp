// An executor runs variants on one device: it owns the buffers of a problem, checks outputs and takes time
// samples. record/timing_mode.hpp has the timing modes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attention/problem.hpp"
#include "check/policy.hpp"
#include "device/device_info.hpp"
#include "kernels/common/inputs.hpp"
#include "record/record.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// Microseconds per launch, and the launches that it is the mean of.
struct Sample {
  double us = 0;
  int launches = 1;
  // Of the request for the sample, by the clock of another process than the kernel's; 0: none.
  double request_us = 0;
};

// A sample whose output was checked.
struct CheckedSample {
  Check check;
  std::optional<Sample> sample;  // absent where a worker of an older build does not tell it
};

// Microseconds per launch, the fastest of their kind. An honest kernel needs as long for values that it has seen before as
// for others.
struct Contrast {
  double unchanged_us = 0;  // with the same values as in the launch before, and its output in place
  double changed_us = 0;    // with values that no launch has seen
};

// A kernel of this program, timed as samples are. It takes at least `least_us`, whatever the clock says.
struct Control {
  double us = 0;
  double least_us = 0;    // 0: not known
  double request_us = 0;  // as in Sample
};

class Executor {
 public:
  virtual ~Executor() = default;

  virtual const DeviceInfo& device() const = 0;

  // Runs the built-in probe, where the device has one, and keeps the result in device(). Throws nothing.
  virtual void measure_ceilings() {}

  // Bytes of device memory that prepare() would take.
  virtual std::int64_t required_bytes(const Problem& problem) const = 0;

  // Makes seeded inputs and their reference; frees the problem before. Throws
  // OutOfMemoryError, or EnvironmentError with another status when this problem alone cannot be prepared.
  virtual void prepare(const Problem& problem, std::uint64_t seed,
                       kernels::InputKind inputs = kernels::InputKind::normal) = 0;

  // The reason why the variant cannot run the prepared problem, or an empty string.
  virtual std::string unsupported(const Variant& variant) const = 0;

  // Poisons the output, runs once, compares. A launch that changes its inputs does not pass, and they are restored.
  // Throws EnvironmentError when the launch fails.
  virtual Check verify(const Variant& variant, const CheckPolicy& policy) = 0;

  // Hash of every bit of the outputs as they are now (base/hash.hpp), guards and gaps included.
  virtual std::string output_hash() const = 0;

  // Launches of a sample read two views of the inputs or more in turns, so that none finds its own output.
  virtual Sample sample(const Variant& variant, TimingMode mode) = 0;

  // Draws the values of the inputs anew at the same addresses, poisons the outputs and takes a sample. Then compares rows
  // that are chosen at random with a reference of the new values, and the whole output with a lone launch on
  // them. An output that was kept from earlier inputs, or that somebody writes later, cannot pass. verify() restores the
  // first values.
  virtual CheckedSample verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) = 0;

  // Times launches whose inputs change before each, and launches whose inputs do not, in turns, `pairs` times. The memory
  // of the inputs is read and written before either. Changes inputs as verify_sample() does.
  virtual Contrast contrast(const Variant& variant, int pairs) = 0;

  // Absent where samples are timed by the clock of the host, whose requests hold nothing but the sample.
  virtual std::optional<Control> control() { return {}; }

  virtual Resources resources(const Variant& variant) const = 0;

  // Hash of the machine code that the device runs for the variant's kernel; empty where there is none.
  virtual std::string code_hash(const Variant&) const { return ""; }
};

}  // namespace flashcore
