#include "emulated/sequences.hpp"

#include <algorithm>

namespace flashcore::emulated {

std::string failure_of_sequences(const CompiledKernel& variant, const SequenceCase& sequences) {
  SequenceBatch batch(sequences, variant.spec.dtype, variant.spec.head_dim);
  constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  if (const char* reason = variant.unsupported(batch.args(), kHopper)) return reason;
  std::vector<unsigned char> workspace(variant.workspace_bytes(batch.args()) + 1);
  for (std::uint64_t schedule = 1; schedule <= kSchedules; ++schedule) {
    batch.poison_outputs();
    std::ranges::fill(workspace, static_cast<unsigned char>(0xFF));
    AttentionArgs args = batch.args();
    args.workspace = workspace.data();
    set_schedule_seed(schedule);
    std::string reason;
    try {
      if (const int error = variant.launch(args, nullptr); error != cudaSuccess)
        return fmt::format("the launch returned {}", error);
      reason = batch.failure();
    } catch (const Failure& failure) {
      reason = failure.what();
    }
    if (!reason.empty()) return fmt::format("schedule {}: {}", schedule, reason);
  }
  return "";
}

}  // namespace flashcore::emulated
