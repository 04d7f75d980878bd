// The checks of the CUDA executor on the device: inputs, the FP32 reference, the unfused attention, comparisons.
// Functions return a cudaError_t as int (0: success) and are asynchronous on `stream` unless they say
// otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "attention/args.hpp"
#include "attention/dtype.hpp"
#include "kernels/common/inputs.hpp"
#include "kernels/reference/difference.hpp"

namespace flashcore::kernels {

// Fills memory with the poison. size_bytes must be a multiple of 4.
int cuda_poison(void* data, std::size_t size_bytes, void* stream);

// Memory that one launch works on. Parameters of a kernel take up to 4 KiB.
struct MemoryRegions {
  static constexpr int kMax = 240;
  void* data[kMax];  // each on a boundary of 8 bytes
  std::int64_t bytes[kMax];
  int count = 0;
};

// Other values in the same memory, others at each call: kernels/reference/scramble.hpp. `counter` lies on the
// device and is advanced. Without `change` memory is read and written and stays as it is. May be captured into
// a graph.
int cuda_scramble(const MemoryRegions& regions, Dtype dtype, bool change, std::uint64_t* counter,
                  void* stream);

// One fingerprint per region into sums, on the device.
int cuda_fingerprint(const MemoryRegions& regions, std::uint64_t* sums, void* stream);

// Copies `count` rows of row_bytes. `moves` are pairs of places on the device, in bytes: from and to.
int cuda_move_rows(void* to, const void* from, const std::int64_t* moves, std::int64_t count,
                   std::int64_t row_bytes, void* stream);

// Holds the stream up for so many cycles of a multiprocessor.
int cuda_delay(std::int64_t cycles, void* stream);

// The values of one tensor, equal to the CPU backend's: see kernels/common/inputs.hpp. Elements are numbered
// in [batch, heads, rows, head_dim] order for any strides. Elements of scaled dtypes are values divided by
// descale factors, which are computed first.
struct TensorFill {
  void* data;
  float* descale = nullptr;  // [batch, heads_kv] for a scaled dtype, else null
  Dtype dtype;
  Strides stride;
  std::int64_t batch, heads, rows, head_dim;
  std::int64_t heads_kv;  // of the problem; divides heads
  std::uint64_t seed;
  InputTensor tensor;
  std::uint32_t set;  // rotated input set
  InputKind kind = InputKind::normal;
};
int cuda_fill(const TensorFill& fill, void* stream);

// Unfused attention with a score matrix in memory, of sequences of equal lengths and contiguous K and V in `dtype`, that of
// Q, or in e4m3: out [batch, heads_q, seq_q, head_dim_v] and lse [batch, heads_q, seq_q] as contiguous FP32 (args.out and
// args.lse are not used; lse may be null).
//   reference  every step in FP32 from the rounded inputs, times their descale factors
//   unfused    an unfused attention in that dtype, as kernels/reference/cpu_reference.hpp defines it
enum class Precision { reference, unfused };
std::size_t cuda_reference_scratch_bytes(const AttentionArgs& args);
int cuda_reference_attention(const AttentionArgs& args, Dtype dtype, Precision precision, float* out,
                             float* lse, void* scratch, void* stream);

// Scratch memory on the device for comparisons into this many sums; more than enough for cuda_count_written.
std::size_t cuda_compare_scratch_bytes(std::size_t sums);

// Compares a strided tensor of a dtype that O can have with a contiguous FP32 one: one of `sums` for each
// [batch, head]. Synchronises the stream.
int cuda_compare(const void* out, Dtype dtype, const Strides& stride, const float* reference,
                 std::int64_t heads, std::int64_t rows, std::int64_t head_dim, std::span<DifferenceSums> sums,
                 void* scratch, void* stream);

// The same for contiguous FP32 data of `count` elements, which `sums` divide into equal parts. Synchronises the
// stream.
int cuda_compare_fp32(const float* values, const float* reference, std::int64_t count,
                      std::span<DifferenceSums> sums, void* scratch, void* stream);

// How many words of word_bytes (2 or 4) differ from the poison. Synchronises the stream.
int cuda_count_written(const void* data, std::size_t size_bytes, std::size_t word_bytes,
                       std::int64_t& written, void* scratch, void* stream);

}  // namespace flashcore::kernels
