#include "check/cuda_check_device.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "device/cuda_memory.hpp"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore {
namespace {

class CudaCheckDevice final : public CheckDevice {
 public:
  Memory allocate(std::int64_t bytes) override { return allocate_cuda(bytes); }

  void copy_in(void* to, std::span<const std::byte> from) override {
    cuda_check(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream_),
               "copying to the device");
    wait("copying to the device");
  }
  void copy_out(std::span<std::byte> to, const void* from) const override {
    cuda_check(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream_),
               "copying from the device");
    wait("copying from the device");
  }

  void copy(void* to, const void* from, std::int64_t bytes) override {
    const auto count = static_cast<std::size_t>(bytes);
    cuda_check(cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToDevice, stream_), "copying");
  }

  void move_rows(void* to, const void* from, std::span<const RowMove> moves, std::int64_t row_bytes) override;
  void fill_with_byte(void* data, std::int64_t bytes, int byte) override {
    cuda_check(cudaMemsetAsync(data, byte, static_cast<std::size_t>(bytes), stream_), "filling memory");
  }

  void poison(void* data, std::int64_t bytes) override {
    cuda_check(kernels::cuda_poison(data, static_cast<std::size_t>(bytes), stream_), "poisoning");
  }
  std::int64_t count_written(const void* data, std::int64_t bytes, std::int64_t word_bytes) const override {
    std::int64_t written = 0;
    const Scratch scratch = scratch_of(sizeof(written));
    const int code =
        kernels::cuda_count_written(data, static_cast<std::size_t>(bytes),
                                    static_cast<std::size_t>(word_bytes), written, scratch.data, stream_);
    cuda_check(code, "counting words that are not poison");
    return written;
  }

  void fill_input(const InputTensorFill& fill) override;

  void scramble(std::span<const MemoryRegion> regions, Dtype dtype, bool change) override;
  std::vector<std::uint64_t> fingerprints(std::span<const MemoryRegion> regions) const override;
  void delay() override {
    constexpr std::int64_t kCycles = 400'000;  // about 200 us
    cuda_check(kernels::cuda_delay(kCycles, stream_), "waiting");
  }

  void run_reference(const AttentionArgs& args, Dtype dtype, ReferenceKind kind, float* out,
                     float* lse) override {
    if (args.kv_dtype != dtype && args.kv_dtype != Dtype::e4m3)
      throw EnvironmentError("on a GPU, the reference needs K and V in the dtype of Q or in e4m3");
    const Scratch scratch = scratch_of(reference_scratch_bytes(args));
    const auto precision =
        kind == ReferenceKind::unfused ? kernels::Precision::unfused : kernels::Precision::reference;
    cuda_check(kernels::cuda_reference_attention(args, dtype, precision, out, lse, scratch.data, stream_),
               "running the reference");
    if (scratch.allocated.bytes() > 0) wait("running the reference");  // before the scratch is freed
  }
  std::int64_t reference_scratch_bytes(const AttentionArgs& args) const override {
    return static_cast<std::int64_t>(kernels::cuda_reference_scratch_bytes(args));
  }

  HeadSums compare(const void* values, Dtype dtype, const TensorShape& shape,
                   const float* reference) const override {
    HeadSums sums(static_cast<std::size_t>(shape.batch * shape.heads));
    const Scratch scratch = compare_scratch(sums);
    const int code = kernels::cuda_compare(values, dtype, shape.stride, reference, shape.heads, shape.rows,
                                           shape.head_dim, sums, scratch.data, stream_);
    cuda_check(code, "comparing with the reference");
    return sums;
  }
  HeadSums compare_fp32(const float* values, const float* reference, std::int64_t count,
                        std::int64_t parts) const override {
    HeadSums sums(static_cast<std::size_t>(parts));
    const Scratch scratch = compare_scratch(sums);
    cuda_check(kernels::cuda_compare_fp32(values, reference, count, sums, scratch.data, stream_),
               "comparing with the reference");
    return sums;
  }

  void check_launch(int code, std::string_view what) const override {
    if (code != 0) cuda_check(code, fmt::format("launching {}", what));
  }
  bool wait_for_all_streams() const override {
    cuda_check(cudaDeviceSynchronize(), "waiting for the device");
    return true;
  }
  void wait(std::string_view what) const override { cuda_check(cudaStreamSynchronize(stream_), what); }
  void* stream() const override { return stream_; }

 private:
  // Scratch memory of one function, which must wait for the stream before it returns.
  struct Scratch {
    Memory allocated;  // empty if the kept memory suffices
    void* data;
  };
  Scratch scratch_of(std::int64_t bytes) const {
    if (bytes <= kKeptScratchBytes) return {.allocated = {}, .data = kept_scratch_.data()};
    Memory memory = allocate_cuda(bytes);
    void* data = memory.data();
    return {.allocated = std::move(memory), .data = data};
  }
  Scratch compare_scratch(const HeadSums& sums) const {
    return scratch_of(static_cast<std::int64_t>(kernels::cuda_compare_scratch_bytes(sums.size())));
  }

  StreamHandle owned_ = make_stream();
  CUstream_st* stream_ = owned_.get();
  Memory counter_ = make_counter();  // of scrambles
  // Kept, because an allocation takes longer than a reference of single rows, a comparison or a fingerprint.
  static constexpr std::int64_t kKeptScratchBytes = std::int64_t{4} << 20;
  Memory kept_scratch_ = allocate_cuda(kKeptScratchBytes);

  static Memory make_counter();
};

// Calls use(regions) with as many regions as one launch takes.
template <class Use>
void for_each_launch(std::span<const MemoryRegion> regions, Use use) {
  kernels::MemoryRegions batch{};
  for (const MemoryRegion& region : regions) {
    batch.data[batch.count] = region.data;
    batch.bytes[batch.count++] = region.bytes;
    if (batch.count < kernels::MemoryRegions::kMax) continue;
    use(batch);
    batch.count = 0;
  }
  if (batch.count > 0) use(batch);
}

Memory CudaCheckDevice::make_counter() {
  Memory counter = allocate_cuda(sizeof(std::uint64_t));
  cuda_check(cudaMemset(counter.data(), 0, sizeof(std::uint64_t)), "starting a counter");
  return counter;
}

void CudaCheckDevice::scramble(std::span<const MemoryRegion> regions, Dtype dtype, bool change) {
  for_each_launch(regions, [&](const kernels::MemoryRegions& batch) {
    cuda_check(kernels::cuda_scramble(batch, dtype, change, counter_.as<std::uint64_t>(), stream_),
               "changing inputs");
  });
}

std::vector<std::uint64_t> CudaCheckDevice::fingerprints(std::span<const MemoryRegion> regions) const {
  std::vector<std::uint64_t> sums(regions.size());
  const Scratch scratch = scratch_of(static_cast<std::int64_t>(sums.size() * sizeof(std::uint64_t)));
  auto* next = static_cast<std::uint64_t*>(scratch.data);
  for_each_launch(regions, [&](const kernels::MemoryRegions& batch) {
    cuda_check(kernels::cuda_fingerprint(batch, next, stream_), "comparing memory");
    next += batch.count;
  });
  copy_out(std::as_writable_bytes(std::span(sums)), scratch.data);
  return sums;
}

void CudaCheckDevice::move_rows(void* to, const void* from, std::span<const RowMove> moves,
                                std::int64_t row_bytes) {
  static_assert(sizeof(RowMove) == 2 * sizeof(std::int64_t));  // as kernels::cuda_move_rows() reads it
  const auto bytes = static_cast<std::int64_t>(moves.size_bytes());
  const Scratch scratch = scratch_of(bytes);
  copy_in(scratch.data, std::as_bytes(moves));
  cuda_check(kernels::cuda_move_rows(to, from, static_cast<const std::int64_t*>(scratch.data),
                                     std::ssize(moves), row_bytes, stream_),
             "copying rows");
  wait("copying rows");  // before the scratch is used again
}

void CudaCheckDevice::fill_input(const InputTensorFill& fill) {
  const auto element = static_cast<std::int64_t>(size_bytes(fill.dtype));
  fill_with_nan(fill.elements, fill.shape.span_elements * element);
  const kernels::TensorFill values{.data = fill.elements,
                                   .descale = fill.descale,
                                   .dtype = fill.dtype,
                                   .stride = fill.shape.stride,
                                   .batch = fill.shape.batch,
                                   .heads = fill.shape.heads,
                                   .rows = fill.shape.rows,
                                   .head_dim = fill.shape.head_dim,
                                   .heads_kv = fill.heads_kv,
                                   .seed = fill.seed,
                                   .tensor = fill.tensor,
                                   .set = fill.set,
                                   .kind = fill.kind};
  cuda_check(kernels::cuda_fill(values, stream_), "making inputs");
}

}  // namespace

std::unique_ptr<CheckDevice> make_cuda_check_device() { return std::make_unique<CudaCheckDevice>(); }

}  // namespace flashcore
