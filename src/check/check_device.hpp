// What checking needs of a device: memory, input values, the reference, comparisons. One implementation per backend;
// ProblemBuffers stands on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attention/problem.hpp"
#include "device/memory.hpp"
#include "kernels/common/inputs.hpp"
#include "kernels/reference/difference.hpp"

namespace flashcore {

// Where one of Q, K and V lies, and what it holds. Elements of a scaled dtype are values over the descale factors,
// which are made with them.
struct InputTensorFill {
  void* elements;
  float* descale;  // [batch, heads_kv] for a scaled dtype, else null
  TensorShape shape;
  std::int64_t heads_kv;  // of the problem; divides shape.heads
  Dtype dtype;
  kernels::InputTensor tensor;
  kernels::InputKind kind;
  std::uint64_t seed;
  std::uint32_t set;  // of the rotated input sets
};

// Any part of an allocation, on a boundary of 8 bytes.
struct MemoryRegion {
  void* data = nullptr;
  std::int64_t bytes = 0;
};

// The two attentions that outputs are judged by; kernels/reference/ has them.
//   reference  every step in FP32, from the rounded inputs
//   unfused    what an unfused attention in the problem's dtype reaches
enum class ReferenceKind : int { reference, unfused };

using HeadSums = std::vector<kernels::DifferenceSums>;

// Work is queued on stream(); functions that return a value wait for it. All throw EnvironmentError.
class CheckDevice {
 public:
  virtual ~CheckDevice() = default;

  // On a boundary of kMemoryAlignment, contents undefined. Throws OutOfMemoryError.
  virtual Memory allocate(std::int64_t bytes) = 0;

  // True where memory that nobody touches takes none.
  virtual bool allocates_lazily() const { return false; }
  // Elements of a tensor's memory that take room.
  std::int64_t memory_elements(const TensorShape& shape) const;

  virtual void copy_in(void* to, std::span<const std::byte> from) = 0;
  virtual void copy_out(std::span<std::byte> to, const void* from) const = 0;
  // Within the device; queued.
  virtual void copy(void* to, const void* from, std::int64_t bytes) = 0;

  // bytes must be a multiple of 4.
  virtual void poison(void* data, std::int64_t bytes) = 0;
  // Words of word_bytes (2 or 4) that differ from the poison.
  virtual std::int64_t count_written(const void* data, std::int64_t bytes, std::int64_t word_bytes) const = 0;

  // Seeded values; gaps of the layout get NaN, for kernels that ignore strides.
  virtual void fill_input(const InputTensorFill& fill) = 0;
  // The same from chosen values, [batch, heads, rows, head_dim] without gaps.
  void write_input(const InputTensorFill& fill, std::span<const float> values);

  // Draws the sign and the fraction of every finite element anew, other ones at each call, and keeps exponents. Without
  // `change` memory is read and written in the same way and keeps its values. May be captured into a CUDA graph.
  virtual void scramble(std::span<const MemoryRegion> regions, Dtype dtype, bool change) = 0;

  // A sum over the words of each region that tells same from different.
  virtual std::vector<std::uint64_t> fingerprints(std::span<const MemoryRegion> regions) const = 0;

  // Holds queued work up for about 200 us, so that work which does not stand in the queue comes too early. Does nothing
  // where launches are calls.
  virtual void delay() {}

  // out [batch, heads_q, seq_q, head_dim] and lse [batch, heads_q, seq_q] as contiguous FP32; lse may be null.
  virtual void run_reference(const AttentionArgs& args, Dtype dtype, ReferenceKind kind, float* out,
                             float* lse) = 0;
  // Memory that run_reference() takes while it runs.
  virtual std::int64_t reference_scratch_bytes(const AttentionArgs& args) const = 0;

  // A strided tensor of an output dtype against contiguous FP32: the sums of each [batch, head].
  virtual HeadSums compare(const void* values, Dtype dtype, const TensorShape& shape,
                           const float* reference) const = 0;
  // Contiguous FP32 values against others: the sums of each of `parts` equal parts.
  virtual HeadSums compare_fp32(const float* values, const float* reference, std::int64_t count,
                                std::int64_t parts) const = 0;

  // Throws what a launch's return code says; does nothing for 0.
  virtual void check_launch(int code, std::string_view what) const = 0;
  // Waits for all work; throws what a kernel failed with.
  virtual void wait(std::string_view what) const = 0;
  virtual void* stream() const = 0;

  std::string hash(MemoryRegion region) const;  // of one fingerprint
};

}  // namespace flashcore
