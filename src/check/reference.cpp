#include "check/reference.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>

namespace flashcore {
namespace {

constexpr std::int64_t kFp32 = sizeof(float);

// Rows of the outputs, heads included, that belong to a sequence.
std::int64_t output_rows(const Problem& problem) {
  std::int64_t queries = problem.batch * problem.seq_q;
  if (problem.lengths) {
    queries = 0;
    for (const std::int32_t length : problem.lengths->q) queries += length;
  }
  return queries * problem.heads_q;
}

std::vector<float> read(const CheckDevice& device, const Memory& memory) {
  std::vector<float> values(static_cast<std::size_t>(memory.bytes() / kFp32));
  device.copy_out(std::as_writable_bytes(std::span(values)), memory.data());
  return values;
}

}  // namespace

Reference::Reference(const Problem& problem, CheckDevice& device, InputSets& inputs)
    : problem_(problem),
      device_(device),
      inputs_(inputs),
      out_(device.allocate(kFp32 * elements())),
      lse_(device.allocate(kFp32 * output_rows(problem))) {}

std::int64_t Reference::required_bytes(const Problem& problem, const CheckDevice& device) {
  const std::int64_t rows = output_rows(problem);
  return kFp32 * rows * (2 * value_columns(problem) + 1) +
         device.reference_scratch_bytes(attention_args(problem));
}

std::int64_t Reference::elements() const { return output_rows(problem_) * value_columns(problem_); }

void Reference::compute(const AttentionArgs& args) {
  run(args, ReferenceKind::reference, out_.as<float>(), lse_.as<float>());
  const Memory unfused = device_.allocate(out_.bytes());
  run(args, ReferenceKind::unfused, unfused.as<float>(), nullptr);
  compare_unfused(unfused.as<float>());
}

void Reference::run(const AttentionArgs& args, ReferenceKind kind, float* out, float* lse) {
  if (is_rectangular(problem_)) return device_.run_reference(args, problem_.dtype, kind, out, lse);
  for (std::int64_t sequence = 0; sequence < problem_.batch; ++sequence) {
    const SequenceRows& rows = inputs_.plan().sequences[static_cast<std::size_t>(sequence)];
    if (rows.queries == 0) continue;
    const std::int64_t first = rows.first_query * problem_.heads_q;
    run_sequence(args, sequence, kind, out + first * value_columns(problem_),
                 lse == nullptr ? nullptr : lse + first);
  }
}

// Without a key, O is 0 and the log-sum-exp is the sink.
void Reference::run_sequence(const AttentionArgs& args, std::int64_t sequence, ReferenceKind kind, float* out,
                             float* lse) {
  const SequenceRows& rows = inputs_.plan().sequences[static_cast<std::size_t>(sequence)];
  if (rows.keys > 0) {
    device_.run_reference(inputs_.gather(args, sequence), problem_.dtype, kind, out, lse);
    device_.wait("running the reference");  // before the next sequence takes the memory of the gathered rows
    return;
  }
  const auto count = static_cast<std::size_t>(rows.queries * problem_.heads_q);
  const std::vector<float> zeros(count * static_cast<std::size_t>(value_columns(problem_)), 0.0f);
  device_.copy_in(out, std::as_bytes(std::span(zeros)));
  if (lse == nullptr) return;
  std::vector<float> empty;
  for (const float sink : inputs_.sinks())
    empty.insert(empty.end(), static_cast<std::size_t>(rows.queries), sink);
  empty.resize(count, -std::numeric_limits<float>::infinity());
  device_.copy_in(lse, std::as_bytes(std::span(empty)));
}

// The largest root mean square of a head of a sequence, over the rows that see a key.
double Reference::largest_of_heads(const HeadSums& heads, const SequenceRows& rows) const {
  const std::int64_t seen = queries_with_keys(mask_of(problem_), rows) * value_columns(problem_);
  double largest = 0;
  for (const kernels::DifferenceSums& head : heads) largest = std::max(largest, head.reference_square_sum);
  return seen == 0 ? 0 : std::sqrt(largest / static_cast<double>(seen));
}

void Reference::compare_unfused(const float* unfused) {
  HeadSums heads;
  double largest_rms = 0;
  const auto* reference = out_.as<float>();
  if (is_rectangular(problem_)) {
    heads = device_.compare_fp32(unfused, reference, elements(), problem_.batch * problem_.heads_q);
  } else {
    for (const SequenceRows& rows : inputs_.plan().sequences) {
      const std::int64_t columns = problem_.heads_q * value_columns(problem_);
      HeadSums part(static_cast<std::size_t>(problem_.heads_q));
      if (rows.queries > 0) {
        const std::int64_t first = rows.first_query * columns;
        part = device_.compare_fp32(unfused + first, reference + first, rows.queries * columns,
                                    problem_.heads_q);
      }
      largest_rms = std::max(largest_rms, largest_of_heads(part, rows));
      std::ranges::copy(part, std::back_inserter(heads));
    }
  }
  // Zeros of rows without a key would make the limit of the other rows too small, and so would the outputs of long
  // sequences that of short ones, which are larger.
  const std::int64_t seen = rows_with_keys(problem_) * problem_.heads_q * value_columns(problem_);
  unfused_error_ = unfused_norms(total(heads), std::max<std::int64_t>(seen, 1));
  unfused_error_.reference_rms = std::max(unfused_error_.reference_rms, largest_rms);
  unfused_head_rel_l2_.clear();
  for (const kernels::DifferenceSums& head : heads) unfused_head_rel_l2_.push_back(relative_l2(head));
}

Check Reference::check(const OutputBuffers& outputs, std::int64_t past_workspace,
                       const CheckPolicy& policy) const {
  Observation seen = outputs.compare(out_.as<float>(), lse_.as<float>());
  for (std::size_t i = 0; i < seen.heads.size(); ++i) seen.heads[i].unfused_rel_l2 = unfused_head_rel_l2_[i];
  seen.past_workspace = past_workspace;
  return judge(problem_, seen, unfused_error_, policy);
}

std::vector<float> Reference::read_out() const { return read(device_, out_); }
std::vector<float> Reference::read_lse() const { return read(device_, lse_); }

}  // namespace flashcore
