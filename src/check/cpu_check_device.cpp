#include "check/cpu_check_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/error.hpp"
#include "check/cpu_inputs.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/common/cpu_threads.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "kernels/reference/scramble.hpp"

namespace flashcore {
namespace {

using kernels::DifferenceSums;

constexpr std::int64_t kChunkElements = 1 << 14;

// Sums over each of `parts` equal parts of [0, count) in chunks, merged in order so that the result does not
// depend on the threads.
template <class Add>
HeadSums sum_differences(std::int64_t count, std::int64_t parts, Add add) {
  const std::int64_t elements = count / parts;
  const std::int64_t chunks = (elements + kChunkElements - 1) / kChunkElements;
  std::vector<DifferenceSums> partial(static_cast<std::size_t>(parts * chunks));
#pragma omp parallel for
  for (std::int64_t c = 0; c < parts * chunks; ++c) {
    const std::int64_t first = c / chunks * elements;
    const std::int64_t begin = c % chunks * kChunkElements;
    for (std::int64_t i = begin; i < std::min(elements, begin + kChunkElements); ++i) {
      add(partial[c], first + i);
    }
  }
  HeadSums sums(static_cast<std::size_t>(parts));
  for (std::int64_t c = 0; c < parts * chunks; ++c) merge(sums[c / chunks], partial[c]);
  return sums;
}

template <class Word>
std::int64_t count_other_words(const void* data, std::int64_t bytes, Word poison) {
  const auto* words = static_cast<const Word*>(data);
  const auto count = bytes / static_cast<std::int64_t>(sizeof(Word));
  return std::count_if(words, words + count, [poison](Word word) { return word != poison; });
}

class CpuCheckDevice final : public CheckDevice {
 public:
  Memory allocate(std::int64_t bytes) override { return allocate_host(bytes); }
  bool allocates_lazily() const override { return true; }

  void copy_in(void* to, std::span<const std::byte> from) override {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }
  void copy_out(std::span<std::byte> to, const void* from) const override {
    if (!to.empty()) std::memcpy(to.data(), from, to.size());
  }
  void copy(void* to, const void* from, std::int64_t bytes) override {
    if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }

  void move_rows(void* to, const void* from, std::span<const RowMove> moves,
                 std::int64_t row_bytes) override {
    for (const RowMove& move : moves) {
      std::memcpy(static_cast<std::byte*>(to) + move.to, static_cast<const std::byte*>(from) + move.from,
                  static_cast<std::size_t>(row_bytes));
    }
  }

  void fill_with_byte(void* data, std::int64_t bytes, int byte) override {
    std::memset(data, byte, static_cast<std::size_t>(bytes));
  }

  void poison(void* data, std::int64_t bytes) override {
    std::fill_n(static_cast<std::uint32_t*>(data), bytes / 4, kernels::kPoison32);
  }
  std::int64_t count_written(const void* data, std::int64_t bytes, std::int64_t word_bytes) const override {
    return word_bytes == 2 ? count_other_words(data, bytes, kernels::kPoison16)
                           : count_other_words(data, bytes, kernels::kPoison32);
  }

  void fill_input(const InputTensorFill& fill) override { fill_host_input(fill); }

  void scramble(std::span<const MemoryRegion> regions, Dtype dtype, bool change) override;
  std::vector<std::uint64_t> fingerprints(std::span<const MemoryRegion> regions) const override;

  void run_reference(const AttentionArgs& args, Dtype dtype, ReferenceKind kind, float* out,
                     float* lse) override;
  std::int64_t reference_scratch_bytes(const AttentionArgs& args) const override {
    const std::int64_t keys = args.sequences.max_keys();
    const std::int64_t head_buffers = 2 * keys * args.head_dim;
    const std::int64_t row_scratch = kernels::thread_count() * (keys + args.head_dim);
    return static_cast<std::int64_t>(sizeof(float)) * (head_buffers + row_scratch);
  }

  HeadSums compare(const void* values, Dtype dtype, const TensorShape& shape,
                   const float* reference) const override;
  HeadSums compare_fp32(const float* values, const float* reference, std::int64_t count,
                        std::int64_t parts) const override {
    return sum_differences(count, parts, [&](DifferenceSums& sums, std::int64_t i) {
      const bool poisoned = std::bit_cast<std::uint32_t>(values[i]) == kernels::kPoison32;
      add_difference(sums, values[i], reference[i], poisoned, i);
    });
  }

  void check_launch(int code, std::string_view what) const override {
    if (code == 0) return;
    const std::string message = fmt::format("{} failed: {}", what, std::strerror(code));
    if (code == ENOMEM) throw OutOfMemoryError(message);
    throw EnvironmentError(message);
  }
  void wait(std::string_view) const override {}
  void* stream() const override { return nullptr; }

 private:
  std::uint64_t scrambles_ = 0;
};

// Calls visit(index, bytes of the word, its address) for every 64-bit word of a region, on all threads.
template <class Visit>
void for_each_word(const MemoryRegion& region, Visit visit) {
  auto* data = static_cast<std::uint8_t*>(region.data);
#pragma omp parallel for
  for (std::int64_t i = 0; i < (region.bytes + 7) / 8; ++i) {
    visit(static_cast<std::uint64_t>(i), std::min<std::int64_t>(8, region.bytes - 8 * i), data + 8 * i);
  }
}

void CpuCheckDevice::scramble(std::span<const MemoryRegion> regions, Dtype dtype, bool change) {
  const kernels::ScrambleFormat format = kernels::scramble_format(dtype);
  for (const MemoryRegion& region : regions) {
    const std::uint64_t key = kernels::mix_bits(++scrambles_);
    for_each_word(region, [&](std::uint64_t index, std::int64_t bytes, std::uint8_t* data) {
      const std::uint64_t word = kernels::partial_word(data, bytes);
      const std::uint64_t other = kernels::scramble_word(format, word, key, index);
      kernels::store_partial_word(data, bytes, change ? other : word);
    });
  }
}

std::vector<std::uint64_t> CpuCheckDevice::fingerprints(std::span<const MemoryRegion> regions) const {
  std::vector<std::uint64_t> sums;
  for (const MemoryRegion& region : regions) {
    std::uint64_t sum = 0;
    const auto* data = static_cast<const std::uint8_t*>(region.data);
#pragma omp parallel for reduction(+ : sum)
    for (std::int64_t i = 0; i < (region.bytes + 7) / 8; ++i) {
      const std::int64_t bytes = std::min<std::int64_t>(8, region.bytes - 8 * i);
      sum +=
          kernels::fingerprint_of(kernels::partial_word(data + 8 * i, bytes), static_cast<std::uint64_t>(i));
    }
    sums.push_back(sum);
  }
  return sums;
}

void CpuCheckDevice::run_reference(const AttentionArgs& args, Dtype dtype, ReferenceKind kind, float* out,
                                   float* lse) try {
  if (kind == ReferenceKind::unfused) return kernels::unfused_attention(args, dtype, out);
  kernels::reference_attention(args, dtype, out, lse);
} catch (const std::bad_alloc&) {
  throw OutOfMemoryError("memory ran out while the reference was computed");
}

HeadSums CpuCheckDevice::compare(const void* values, Dtype dtype, const TensorShape& shape,
                                 const float* reference) const {
  const auto* tensor = static_cast<const std::uint16_t*>(values);
  return kernels::visit_output_dtype(dtype, [&]<class T>(T) {
    const std::int64_t heads = shape.batch * shape.heads;
    return sum_differences(shape.elements(), heads, [&](DifferenceSums& sums, std::int64_t i) {
      const std::int64_t row = i / shape.head_dim;
      const std::int64_t head = row / shape.rows;
      const std::uint16_t bits = kernels::row_pointer(
          tensor, shape.stride, head / shape.heads, head % shape.heads, row % shape.rows)[i % shape.head_dim];
      add_difference(sums, to_float(T{bits}), reference[i], bits == kernels::kPoison16, i);
    });
  });
}

}  // namespace

std::unique_ptr<CheckDevice> make_cpu_check_device() { return std::make_unique<CpuCheckDevice>(); }

}  // namespace flashcore
