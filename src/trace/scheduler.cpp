#include "trace/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"

namespace flashcore {

std::string scheduler_text(const SchedulerPolicy& policy) {
  const std::string hits = policy.hits_by_ids ? "hash_ids" : fmt::format("{}", policy.prefix_hits);
  return fmt::format("scheduler token_budget {}, max_sequences {}, chunk {}, prefix_hits {}, seed {}",
                     policy.token_budget, policy.max_sequences, policy.chunk, hits, policy.seed);
}

Scheduler::Scheduler(RequestTrace trace, const SchedulerPolicy& policy, std::string file)
    : trace_(std::move(trace)), policy_(policy), file_(std::move(file)), random_(policy.seed) {
  if (policy_.hits_by_ids && !trace_.has_blocks) {
    throw UsageError(fmt::format("{}: has no hash_ids, which prefix_hits asks for", file_));
  }
}

std::optional<Lengths> Scheduler::next() {
  call_ = {};
  budget_ = policy_.token_budget;
  decode();
  prefill();
  admit();
  end_step();
  if (call_.q.empty()) return std::nullopt;
  return std::move(call_);
}

std::int64_t Scheduler::prompt_of(const Sequence& sequence) const {
  return trace_.requests[sequence.request].input;
}

void Scheduler::decode() {
  for (Sequence& sequence : running_) {
    if (budget_ == 0) return;
    if (sequence.done >= prompt_of(sequence)) compute(sequence, 1);
  }
}

void Scheduler::prefill() {
  // A sequence that has decoded in this step is past its prompt.
  for (Sequence& sequence : running_) {
    if (budget_ == 0) return;
    if (sequence.done < prompt_of(sequence)) compute_chunk(sequence);
  }
}

void Scheduler::admit() {
  while (waiting_ < trace_.requests.size() && std::ssize(running_) < policy_.max_sequences && budget_ > 0) {
    const TracedRequest& request = trace_.requests[waiting_];
    if (request.input > 0) {
      const std::int64_t hits = hit_tokens(request);
      const std::int64_t rest = request.input - hits;
      if (policy_.chunk == 0 && rest > policy_.token_budget) {
        throw UsageError(
            fmt::format("{}:{}: {} tokens of the prompt are more than the token_budget of {}; set \"chunk\" "
                        "to cut prompts",
                        file_, request.line, rest, policy_.token_budget));
      }
      if (policy_.chunk == 0 && rest > budget_) return;
      running_.push_back({waiting_, hits, request.input + std::max<std::int64_t>(request.output - 1, 0)});
      compute_chunk(running_.back());
    }
    ++waiting_;
    waiting_hits_.reset();
  }
}

void Scheduler::compute(Sequence& sequence, std::int64_t queries) {
  sequence.done += queries;
  budget_ -= queries;
  call_.q.push_back(static_cast<std::int32_t>(queries));
  call_.kv.push_back(static_cast<std::int32_t>(sequence.done));
}

void Scheduler::compute_chunk(Sequence& sequence) {
  const TracedRequest& request = trace_.requests[sequence.request];
  const std::int64_t before = sequence.done / kBlockTokens;
  std::int64_t queries = std::min(request.input - sequence.done, budget_);
  if (policy_.chunk > 0) queries = std::min(queries, policy_.chunk);
  compute(sequence, queries);
  if (!policy_.hits_by_ids) return;
  const std::int64_t complete = std::min(sequence.done / kBlockTokens, std::ssize(request.blocks));
  for (std::int64_t block = before; block < complete; ++block) {
    computed_.push_back(request.blocks[static_cast<std::size_t>(block)]);
  }
}

std::int64_t Scheduler::hit_tokens(const TracedRequest& request) {
  const std::int64_t most = (request.input - 1) / kBlockTokens;
  if (policy_.hits_by_ids) {
    std::int64_t hits = 0;
    for (const std::int64_t id : request.blocks) {
      if (hits == most || !cached_.contains(id)) break;
      ++hits;
    }
    return hits * kBlockTokens;
  }
  if (!waiting_hits_) {
    const auto share = static_cast<std::int64_t>(std::floor(policy_.prefix_hits * 0x1p32));
    const std::int64_t blocks = request.input / kBlockTokens;
    const std::int64_t hits = (share * blocks + std::int64_t{random_.bits()}) >> 32;
    waiting_hits_ = std::min(hits, most) * kBlockTokens;
  }
  return *waiting_hits_;
}

void Scheduler::end_step() {
  cached_.insert(computed_.begin(), computed_.end());
  computed_.clear();
  std::erase_if(running_, [](const Sequence& sequence) { return sequence.done >= sequence.last; });
}

}  // namespace flashcore
