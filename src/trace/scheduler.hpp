// Makes calls of attention from a trace of requests: a deterministic scheduler with continuous batching.
//
// All requests wait from the begin, in the order of the file: the server is always busy, and times of arrival are not
// used. Requests without a prompt are left out. Each step is one call, made in this order:
//
//   1. Decode. Each running sequence whose prompt is complete gets one query, in the order of admission, as long as the
//      token budget lasts. The key of that query is counted: the keys are the prompt, the tokens that were generated
//      before, and this one.
//   2. Prefill. Each running sequence whose prompt is not complete gets its next chunk, in the order of admission.
//   3. Admission. While fewer than max_sequences sequences run and the budget lasts, the next request is admitted and
//      gets its first chunk.
//
// A chunk has as many queries as are left of the prompt, of the budget and, unless `chunk` is 0, of `chunk`. Its keys are
// all tokens of the prompt up to its end. With `chunk` = 0 a prompt is never cut: a request waits until the budget of a
// step has room for the rest of its prompt, and nothing overtakes it.
//
// The step that completes a prompt yields the first generated token, so that a request with G generated tokens has
// G - 1 steps of decoding (none for G = 0). It leaves after the last of them.
//
// Prefix hits are whole leading blocks of kBlockTokens tokens that are found in the cache at admission: they are keys,
// but never queries. The block with the last token of the prompt is always computed. Either
//   - a share: floor(share · blocks + u) of the prompt's whole blocks, where u in [0, 1) is drawn once per request in the
//     order of the file (PortableRandom of `seed`), in whole numbers with 32 bits after the point; or
//   - by ids: the leading blocks whose ids are in the cache. A block is in the cache from the step after the one that
//     computed its last token. The cache forgets nothing.
//
// Not modelled: the size of the KV cache and preemption, times, and speculative decoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "attention/lengths.hpp"
#include "trace/portable_random.hpp"
#include "trace/requests.hpp"

namespace flashcore {

struct SchedulerPolicy {
  std::int64_t token_budget = 1;   // most queries per step, at least 1
  std::int64_t max_sequences = 1;  // most running sequences, at least 1
  std::int64_t chunk = 0;          // most queries of a prompt per step; 0: prompts are never cut
  double prefix_hits = 0;          // share of a prompt's leading blocks that are in the cache, from 0 to 1
  bool hits_by_ids = false;        // instead: the ids of blocks say it
  std::uint64_t seed = 0;
};

// "scheduler token_budget 8192, max_sequences 256, chunk 2048, prefix_hits 0, seed 0"
std::string scheduler_text(const SchedulerPolicy& policy);

class Scheduler {
 public:
  // `file` names the requests in errors. Throws UsageError if hits are by ids, but the trace has none.
  Scheduler(RequestTrace trace, const SchedulerPolicy& policy, std::string file);

  // The next call; nothing after the last. Throws UsageError "file:line: …" for a prompt that no step has room for.
  std::optional<Lengths> next();

 private:
  struct Sequence {
    std::size_t request;
    std::int64_t done;  // keys that exist: computed or found in the cache
    std::int64_t last;  // keys when it leaves
  };

  std::int64_t prompt_of(const Sequence& sequence) const;
  void decode();
  void prefill();
  void admit();
  void compute(Sequence& sequence, std::int64_t queries);
  void compute_chunk(Sequence& sequence);
  std::int64_t hit_tokens(const TracedRequest& request);
  void end_step();

  RequestTrace trace_;
  SchedulerPolicy policy_;
  std::string file_;
  PortableRandom random_;
  std::size_t waiting_ = 0;                   // index of the next request
  std::optional<std::int64_t> waiting_hits_;  // the tokens that were drawn for it
  std::vector<Sequence> running_;             // in the order of admission
  std::unordered_set<std::int64_t> cached_;   // ids of blocks
  std::vector<std::int64_t> computed_;        // ids of blocks that this step completes
  std::int64_t budget_ = 0;                   // what is left in this step
  Lengths call_;
};

}  // namespace flashcore
