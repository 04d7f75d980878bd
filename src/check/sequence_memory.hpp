// The lengths, pages and sinks of a problem on a device, and copies of single rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attention/sequence_plan.hpp"
#include "check/check_device.hpp"

namespace flashcore {

class SequenceMemory {
 public:
  // `problem` and `device` must outlive the memory. Lengths and pages are those of the problem; sinks are 0.
  SequenceMemory(const Problem& problem, CheckDevice& device);

  const SequencePlan& plan() const { return plan_; }

  // Writes the lengths and pages of the problem as it is now. Since construction, only the order of its lengths may have
  // changed.
  void write_lengths();
  // One per query head; does nothing if the problem has none.
  void write_sinks(std::span<const float> sinks);

  // Sets the pointers of lengths, pages and sinks.
  void point(AttentionArgs& args) const;
  std::vector<MemoryRegion> regions() const;

 private:
  Memory array_of(std::size_t elements) const;

  const Problem& problem_;
  CheckDevice& device_;
  SequencePlan plan_;
  Memory cu_seqlens_q_, cu_seqlens_k_, seqused_k_, page_table_;  // int32; empty if the problem needs none
  Memory sinks_;                                                 // [heads_q] FP32; empty if it has none
};

// The sinks of a kind of input, one per query head. They are about as large as the highest scores of a row.
std::vector<float> seeded_sinks(const Problem& problem, std::uint64_t seed, kernels::InputKind kind);

// The copies between rows of a tensor and [heads, rows, columns] without gaps; `from` is the place in the tensor. `rows`
// are the distances of the rows from its first element, in elements.
std::vector<RowMove> row_moves(const TensorShape& shape, std::span<const std::int64_t> rows,
                               std::int64_t element_bytes);
// The same in the other direction.
std::vector<RowMove> reversed(std::vector<RowMove> moves);

}  // namespace flashcore
