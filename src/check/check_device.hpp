// The device functions that checks use: memory, input values, the reference, comparisons. There is one
// implementation per backend. ProblemBuffers uses it.
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

// The memory of Q, K or V, and the values to fill in. Elements of a scaled dtype are values divided by the
// descale factors, which are made together with them.
struct InputTensorFill {
  void* elements;
  float* descale;  // [batch, heads_kv] for a scaled dtype, else null
  TensorShape shape;
  std::int64_t heads_kv;  // of the problem; divides shape.heads
  Dtype dtype;
  kernels::InputTensor tensor;
  kernels::InputKind kind;
  std::uint64_t seed;
  std::uint32_t set;  // index of the rotated input set
};

// A part of an allocation that starts on a boundary of 8 bytes.
struct MemoryRegion {
  void* data = nullptr;
  std::int64_t bytes = 0;
};

// A copy of one row. Places are in bytes from the begin of the memory.
struct RowMove {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

// Elements of every dtype whose bytes all have this value are NaN.
inline constexpr int kNanByte = 0xFF;

// The two attentions that a verdict needs, from kernels/reference/.
//   reference  every step in FP32, from the rounded inputs
//   unfused    an unfused attention in the problem's dtype, whose errors set the limits
enum class ReferenceKind : int { reference, unfused };

using HeadSums = std::vector<kernels::DifferenceSums>;

// Work is queued on stream(); functions that return a value wait for it. All throw EnvironmentError.
class CheckDevice {
 public:
  virtual ~CheckDevice() = default;

  // Memory on a boundary of kMemoryAlignment with undefined contents. Throws OutOfMemoryError.
  virtual Memory allocate(std::int64_t bytes) = 0;

  // True if memory that is never touched takes no room.
  virtual bool allocates_lazily() const { return false; }
  // The number of elements of a tensor's memory that take room.
  std::int64_t memory_elements(const TensorShape& shape) const;

  virtual void copy_in(void* to, std::span<const std::byte> from) = 0;
  virtual void copy_out(std::span<std::byte> to, const void* from) const = 0;
  // Queues a copy within the device.
  virtual void copy(void* to, const void* from, std::int64_t bytes) = 0;

  // Copies rows of row_bytes from places in one memory to places in another.
  virtual void move_rows(void* to, const void* from, std::span<const RowMove> moves,
                         std::int64_t row_bytes) = 0;

  // Queues it: each byte becomes `byte`, from 0 to 255.
  virtual void fill_with_byte(void* data, std::int64_t bytes, int byte) = 0;
  // Every element of the memory becomes NaN, in any dtype.
  void fill_with_nan(void* data, std::int64_t bytes) { fill_with_byte(data, bytes, kNanByte); }

  // bytes must be a multiple of 4.
  virtual void poison(void* data, std::int64_t bytes) = 0;
  // The number of words of word_bytes (2 or 4) that differ from the poison.
  virtual std::int64_t count_written(const void* data, std::int64_t bytes, std::int64_t word_bytes) const = 0;

  // Fills in seeded values. Gaps of the layout get NaN, so that kernels that ignore strides fail.
  virtual void fill_input(const InputTensorFill& fill) = 0;
  // The same with chosen values, [batch, heads, rows, head_dim] without gaps.
  void write_input(const InputTensorFill& fill, std::span<const float> values);

  // Gives every finite element a new random sign and fraction at each call, and keeps its exponent. Without
  // `change`, memory is read and written in the same way but keeps its values. May be captured into a CUDA
  // graph.
  virtual void scramble(std::span<const MemoryRegion> regions, Dtype dtype, bool change) = 0;

  // A hash of the words of each region, which detects changes.
  virtual std::vector<std::uint64_t> fingerprints(std::span<const MemoryRegion> regions) const = 0;

  // Delays queued work by about 200 us, so that work outside of the queue runs too early. Does nothing if
  // launches are function calls.
  virtual void delay() {}

  // out [batch, heads_q, seq_q, head_dim_v] and lse [batch, heads_q, seq_q] as contiguous FP32; lse may be null. All
  // sequences have the same lengths, and K and V are contiguous.
  virtual void run_reference(const AttentionArgs& args, Dtype dtype, ReferenceKind kind, float* out,
                             float* lse) = 0;
  // Bytes that run_reference() needs while it runs.
  virtual std::int64_t reference_scratch_bytes(const AttentionArgs& args) const = 0;

  // Compares a strided tensor of an output dtype with contiguous FP32 values. Returns the sums of each
  // [batch, head].
  virtual HeadSums compare(const void* values, Dtype dtype, const TensorShape& shape,
                           const float* reference) const = 0;
  // Compares contiguous FP32 values. Returns the sums of each of `parts` equal parts.
  virtual HeadSums compare_fp32(const float* values, const float* reference, std::int64_t count,
                                std::int64_t parts) const = 0;

  // Throws the error of a launch's return code; does nothing for 0.
  virtual void check_launch(int code, std::string_view what) const = 0;
  // Waits for all work. Throws the error of a kernel that failed.
  virtual void wait(std::string_view what) const = 0;
  // Waits for the work of all streams of the device. Returns false, without waiting, if launches are function calls.
  virtual bool wait_for_all_streams() const { return false; }
  virtual void* stream() const = 0;

  std::string hash(MemoryRegion region) const;  // of its fingerprint
};

}  // namespace flashcore
