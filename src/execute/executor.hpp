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

  // Poisons the output, runs once, compares. Throws EnvironmentError when the launch fails.
  virtual Check verify(const Variant& variant, const CheckPolicy& policy) = 0;

  // Hash of every bit of the outputs as they are now (base/hash.hpp), guards and gaps included.
  virtual std::string output_hash() const = 0;

  // Negates V, runs once into the outputs as they are, compares with the negated reference, and restores V.
  // What was kept from an earlier launch cannot pass.
  virtual Check verify_negated(const Variant& variant, const CheckPolicy& policy) = 0;

  virtual Sample sample(const Variant& variant, TimingMode mode) = 0;

  // Microseconds of a lone launch, with the outputs poisoned first, outside of the timed window.
  virtual double sample_poisoned(const Variant& variant) = 0;

  virtual Resources resources(const Variant& variant) const = 0;

  // Hash of the machine code that the device runs for the variant's kernel; empty where there is none.
  virtual std::string code_hash(const Variant&) const { return ""; }
};

}  // namespace flashcore
