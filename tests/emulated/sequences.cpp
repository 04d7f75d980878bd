#include "emulated/sequences.hpp"

#include <vector>

namespace flashcore::emulated {

namespace {

constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};

std::string launch_and_check(const CompiledKernel& variant, SequenceBatch& batch, std::uint64_t schedule) {
  std::vector<unsigned char> workspace(variant.workspace_bytes(batch.args()) + 1, 0xFF);
  std::vector<unsigned char> plan(variant.plan_bytes(batch.args()) + 1, 0xFF);
  batch.poison_outputs();
  AttentionArgs args = batch.args();
  args.workspace = workspace.data();
  args.plan = plan.data();
  set_schedule_seed(schedule);
  std::string reason;
  try {
    if (const int error = variant.plan(args, nullptr); error != cudaSuccess)
      return fmt::format("the plan returned {}", error);
    if (const int error = variant.launch(args, nullptr); error != cudaSuccess)
      return fmt::format("the launch returned {}", error);
    reason = batch.failure();
  } catch (const Failure& failure) {
    reason = failure.what();
  }
  return reason.empty() ? "" : fmt::format("schedule {}: {}", schedule, reason);
}

}  // namespace

std::string failure_of_sequences(const CompiledKernel& variant, SequenceCase sequences) {
  sequences.e4m3_kv = variant.spec.tile.kv_bits != 0;
  SequenceBatch batch(sequences, variant.spec.dtype, variant.spec.head_dim);
  if (const char* reason = variant.unsupported(batch.args(), kHopper)) return reason;
  for (std::uint64_t schedule = 1; schedule <= kSchedules; ++schedule) {
    if (std::string reason = launch_and_check(variant, batch, schedule); !reason.empty()) return reason;
  }
  return "";
}

std::string failure_of_replays(const CompiledKernel& variant, std::int32_t page_size) {
  constexpr int kSets = 4;
  const auto batch_of = [&](int set) {
    SequenceCase sequences = replayed_case(set, page_size);
    sequences.e4m3_kv = variant.spec.tile.kv_bits != 0;
    return sequences;
  };
  SequenceBatch batch(batch_of(0), variant.spec.dtype, variant.spec.head_dim);
  for (int set = 1; set <= kSets; ++set) {
    batch.become(SequenceBatch(batch_of(set), variant.spec.dtype, variant.spec.head_dim,
                               static_cast<std::uint32_t>(set)));
    if (const std::string reason = launch_and_check(variant, batch, 1); !reason.empty())
      return fmt::format("set {}: {}", set, reason);
  }
  return "";
}

}  // namespace flashcore::emulated
