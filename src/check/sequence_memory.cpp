#include "check/sequence_memory.hpp"

#include <algorithm>
#include <utility>

namespace flashcore {
namespace {

constexpr std::int64_t kInt32 = sizeof(std::int32_t);

std::vector<std::int32_t> cumulated(const std::vector<SequenceRows>& sequences,
                                    std::int32_t SequenceRows::*length) {
  std::vector<std::int32_t> cu_seqlens = {0};
  for (const SequenceRows& rows : sequences) cu_seqlens.push_back(cu_seqlens.back() + rows.*length);
  return cu_seqlens;
}

}  // namespace

SequenceMemory::SequenceMemory(const Problem& problem, CheckDevice& device)
    : problem_(problem), device_(device) {
  const auto batch = static_cast<std::size_t>(problem.batch);
  if (problem.lengths) cu_seqlens_q_ = array_of(batch + 1);
  if (problem.lengths && !problem.kv.is_paged()) cu_seqlens_k_ = array_of(batch + 1);
  if (problem.kv.is_paged()) {
    seqused_k_ = array_of(batch);
    page_table_ = array_of(batch * static_cast<std::size_t>(page_table_stride(problem)));
  }
  if (problem.sinks) sinks_ = array_of(static_cast<std::size_t>(problem.heads_q));
  write_lengths();
  write_sinks(std::vector<float>(static_cast<std::size_t>(problem.heads_q), 0.0f));
}

Memory SequenceMemory::array_of(std::size_t elements) const {
  return device_.allocate(kInt32 * static_cast<std::int64_t>(elements));
}

void SequenceMemory::write_lengths() {
  plan_ = sequence_plan(problem_);
  const auto write = [&](const Memory& memory, const std::vector<std::int32_t>& values) {
    if (memory.bytes() > 0) device_.copy_in(memory.data(), std::as_bytes(std::span(values)));
  };
  std::vector<std::int32_t> keys;
  for (const SequenceRows& rows : plan_.sequences) keys.push_back(rows.keys);
  write(cu_seqlens_q_, cumulated(plan_.sequences, &SequenceRows::queries));
  write(cu_seqlens_k_, cumulated(plan_.sequences, &SequenceRows::keys));
  write(seqused_k_, keys);
  write(page_table_, plan_.paging.table);
}

void SequenceMemory::write_sinks(std::span<const float> sinks) {
  if (sinks_.bytes() > 0) device_.copy_in(sinks_.data(), std::as_bytes(sinks));
}

void SequenceMemory::point(AttentionArgs& args) const {
  args.sequences.cu_seqlens_q = cu_seqlens_q_.as<std::int32_t>();
  args.sequences.cu_seqlens_k = cu_seqlens_k_.as<std::int32_t>();
  args.sequences.seqused_k = seqused_k_.as<std::int32_t>();
  args.kv.page_table = page_table_.as<std::int32_t>();
  args.sinks = sinks_.as<float>();
}

std::vector<MemoryRegion> SequenceMemory::regions() const {
  std::vector<MemoryRegion> regions;
  for (const Memory* memory : {&cu_seqlens_q_, &cu_seqlens_k_, &seqused_k_, &page_table_, &sinks_}) {
    if (memory->bytes() > 0) regions.push_back({memory->data(), memory->bytes()});
  }
  return regions;
}

std::vector<float> seeded_sinks(const Problem& problem, std::uint64_t seed, kernels::InputKind kind) {
  const std::uint64_t stream = kernels::random_stream(seed, kernels::InputTensor::sinks, 0);
  std::vector<float> sinks;
  for (std::int64_t head = 0; head < problem.heads_q; ++head) {
    const float value = kernels::normal_value(stream, static_cast<std::uint64_t>(head));
    sinks.push_back(kernels::has_low_scores(kind) ? value - kernels::highest_low_score(kind) : value + 2);
  }
  return sinks;
}

std::vector<RowMove> row_moves(const TensorShape& shape, std::span<const std::int64_t> rows,
                               std::int64_t element_bytes) {
  std::vector<RowMove> moves;
  moves.reserve(static_cast<std::size_t>(shape.heads) * rows.size());
  const std::int64_t row_bytes = shape.head_dim * element_bytes;
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    for (const std::int64_t row : rows) {
      const auto place = static_cast<std::int64_t>(moves.size());
      moves.push_back({.from = (row + head * shape.stride.head) * element_bytes, .to = place * row_bytes});
    }
  }
  return moves;
}

std::vector<RowMove> reversed(std::vector<RowMove> moves) {
  for (RowMove& move : moves) std::swap(move.from, move.to);
  return moves;
}

}  // namespace flashcore
