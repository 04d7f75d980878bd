// Probes of ragged batches, paged caches and sinks. A wrong answer is compared with the answers that known faults give:
// the same attention with keys of other places, or with other sinks.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "attention/sequence_plan.hpp"
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// The key that a kernel reads in the place of another one.
struct KeyPlace {
  std::int64_t sequence;
  std::int64_t key;
};
using Misread = std::function<std::optional<KeyPlace>(const SequencePlan&, KeyPlace)>;

// An answer that a fault gives.
struct Hypothesis {
  Symptom symptom;
  std::string_view detail;
  Misread misread;
};

// The problem in a form that the variant runs: as it is, or with its lengths as those of a ragged batch.
Problem servable(const ProbeRunner& runner, Problem problem) {
  if (problem.lengths || runner.unsupported(problem).empty()) return problem;
  problem.lengths = Lengths{
      std::vector(static_cast<std::size_t>(problem.batch), static_cast<std::int32_t>(problem.seq_q)),
      std::vector(static_cast<std::size_t>(problem.batch), static_cast<std::int32_t>(problem.seq_kv))};
  problem.layout = default_layout(problem);
  return problem;
}

// The first page size that the variant runs.
Problem paged(const ProbeRunner& runner, Problem problem, std::int64_t pages, std::int64_t further_keys) {
  std::string reason;
  for (const std::int64_t page_size :
       {std::int64_t{16}, std::int64_t{64}, runner.block_kv(), std::int64_t{1}}) {
    problem.kv = {.layout = KvKind::paged, .page_size = page_size};
    problem.layout = default_layout(problem);
    problem.seq_kv = pages * page_size + further_keys;
    Problem asked = servable(runner, problem);
    reason = runner.unsupported(asked);
    if (reason.empty()) return asked;
  }
  throw Unsupported(reason);
}

const float* key_row(const std::vector<float>& tensor, const Problem& problem, const SequencePlan& plan,
                     KeyPlace at, std::int64_t head, std::int64_t columns) {
  const SequenceRows& rows = plan.sequences[static_cast<std::size_t>(at.sequence)];
  return tensor.data() + (rows.first_key * problem.heads_kv + head * rows.keys + at.key) * columns;
}

// The tensor as a kernel with the fault reads it. Memory that belongs to no key is NaN.
std::vector<float> misread_tensor(const std::vector<float>& tensor, const Problem& problem,
                                  const SequencePlan& plan, const Misread& misread, std::int64_t columns) {
  std::vector<float> read;
  for (std::int64_t sequence = 0; sequence < problem.batch; ++sequence) {
    const std::int64_t keys = plan.sequences[static_cast<std::size_t>(sequence)].keys;
    for (std::int64_t head = 0; head < problem.heads_kv; ++head) {
      for (std::int64_t key = 0; key < keys; ++key) {
        const std::optional<KeyPlace> from = misread(plan, {sequence, key});
        const auto count = static_cast<std::size_t>(columns);
        if (!from) {
          read.insert(read.end(), count, std::numeric_limits<float>::quiet_NaN());
        } else {
          const float* row = key_row(tensor, problem, plan, *from, head, columns);
          read.insert(read.end(), row, row + count);
        }
      }
    }
  }
  return read;
}

// Whether the kernel's answer is the one that other inputs would have.
bool is_answer_of(const ProbeRunner& runner, const ProbeRun& run, const ChosenInputs& inputs) {
  const std::vector<float> wanted = runner.reference_out(run.problem, inputs);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool both_nan = std::isnan(wanted[i]) && std::isnan(run.out[i]);
    if (!both_nan && !(std::fabs(wanted[i] - run.out[i]) <= 2 * static_cast<float>(run.check.limit.max_abs)))
      return false;
  }
  return true;
}

// The hypothesis that explains a wrong answer.
const Hypothesis* explain(const ProbeRunner& runner, const ProbeRun& run, const ChosenInputs& inputs,
                          std::span<const Hypothesis> hypotheses) {
  const SequencePlan plan = sequence_plan(run.problem);
  for (const Hypothesis& hypothesis : hypotheses) {
    ChosenInputs read = inputs;
    read.k = misread_tensor(inputs.k, run.problem, plan, hypothesis.misread, run.problem.head_dim);
    read.v = misread_tensor(inputs.v, run.problem, plan, hypothesis.misread, value_columns(run.problem));
    if (is_answer_of(runner, run, read)) return &hypothesis;
  }
  return nullptr;
}

std::optional<KeyPlace> existing(const SequencePlan& plan, KeyPlace at) {
  const bool exists = at.sequence >= 0 && at.sequence < std::ssize(plan.sequences) && at.key >= 0 &&
                      at.key < plan.sequences[static_cast<std::size_t>(at.sequence)].keys;
  return exists ? std::optional(at) : std::nullopt;
}

// The key at a row of a page of the cache.
std::optional<KeyPlace> key_in_page(const SequencePlan& plan, std::int64_t page, std::int64_t row,
                                    std::int64_t page_size) {
  for (std::size_t entry = 0; entry < plan.paging.table.size(); ++entry) {
    if (plan.paging.table[entry] != page || !plan.paging.owned[entry]) continue;
    const auto index = static_cast<std::int64_t>(entry);
    return existing(plan,
                    {index / plan.paging.table_stride, index % plan.paging.table_stride * page_size + row});
  }
  return std::nullopt;
}

std::vector<Hypothesis> page_hypotheses(std::int64_t page_size) {
  std::vector<Hypothesis> all;
  for (const std::int64_t step : {1, -1}) {
    all.push_back({Symptom::neighbour_sequence, "each sequence has the pages of its neighbour",
                   [step](const SequencePlan& plan, KeyPlace at) {
                     const auto batch = std::ssize(plan.sequences);
                     return existing(plan, {(at.sequence + step + batch) % batch, at.key});
                   }});
    all.push_back({Symptom::page_moved, "the entry of another page of the sequence is read",
                   [step, page_size](const SequencePlan& plan, KeyPlace at) {
                     const std::int64_t keys = plan.sequences[static_cast<std::size_t>(at.sequence)].keys;
                     const std::int64_t moved = at.key + step * page_size;
                     return existing(plan, {at.sequence, moved < 0 || moved >= keys ? at.key : moved});
                   }});
    all.push_back({Symptom::page_moved, "the page beside that of the table is read",
                   [step, page_size](const SequencePlan& plan, KeyPlace at) {
                     const auto entry = at.sequence * plan.paging.table_stride + at.key / page_size;
                     return key_in_page(plan, plan.paging.table[static_cast<std::size_t>(entry)] + step,
                                        at.key % page_size, page_size);
                   }});
    for (const bool wraps : {false, true}) {
      all.push_back(
          {Symptom::row_moved, "the row beside the right one of its page is read",
           [step, page_size, wraps](const SequencePlan& plan, KeyPlace at) {
             const std::int64_t row = at.key % page_size + step;
             const bool leaves = row < 0 || row >= page_size;
             const std::int64_t other = !leaves ? row : wraps ? (row + page_size) % page_size : row - step;
             return existing(plan, {at.sequence, at.key / page_size * page_size + other});
           }});
    }
  }
  all.push_back({Symptom::neighbour_sequence, "every sequence has the pages of the first one",
                 [](const SequencePlan& plan, KeyPlace at) {
                   return existing(plan, {0, at.key});
                 }});
  return all;
}

Finding explained(const ProbeRunner& runner, Probe probe, const ProbeRun& run, const ChosenInputs& inputs,
                  std::span<const Hypothesis> hypotheses) {
  if (run.out_right()) return {probe};
  if (const Hypothesis* found = explain(runner, run, inputs, hypotheses)) {
    return failure(probe, found->symptom, run, std::string(found->detail));
  }
  return failure(probe, run.finite() ? Symptom::failed : Symptom::nonfinite, run, run.check.reason);
}

// Sequences of whole pages: no row of a used page is unused.
Finding ask_pages(const ProbeRunner& runner) {
  Problem problem = runner.problem(4, 1);
  problem.batch = 3;
  problem = paged(runner, problem, 3, 0);
  const ChosenInputs inputs = runner.random_inputs(problem);
  const ProbeRun run = runner.run(problem, inputs);
  return explained(runner, Probe::pages, run, inputs, page_hypotheses(problem.kv.page_size));
}

// Rows of a page after a sequence's last key are NaN.
Finding ask_page_tail(const ProbeRunner& runner) {
  Problem problem = runner.problem(4, 1);
  problem.batch = 3;
  problem = paged(runner, problem, 2, 3);
  const ProbeRun run = runner.run(problem, runner.random_inputs(problem));
  if (run.out_right()) return {Probe::page_tail};
  return failure(Probe::page_tail, run.finite() ? Symptom::failed : Symptom::nonfinite, run,
                 run.check.reason);
}

// A ragged batch; with a paged cache if the variant needs one.
Problem ragged(const ProbeRunner& runner, Lengths lengths) {
  Problem problem = runner.problem(1, 1);
  problem.lengths = std::move(lengths);
  problem.layout = default_layout(problem);
  apply_lengths(problem);
  if (runner.unsupported(problem).empty()) return problem;
  problem.kv = {.layout = KvKind::paged, .page_size = 16};
  return problem;
}

Finding ask_ragged(const ProbeRunner& runner) {
  const auto q = static_cast<std::int32_t>(runner.block_q());
  const auto kv = static_cast<std::int32_t>(runner.block_kv());
  const Problem problem = ragged(runner, {.q = {5, q + 3, 1, 7}, .kv = {40, 2 * kv, kv + 7, 3}});
  const ChosenInputs inputs = runner.random_inputs(problem);
  const ProbeRun run = runner.run(problem, inputs);
  std::vector<Hypothesis> hypotheses;
  for (const std::int64_t step : {1, -1}) {
    hypotheses.push_back({Symptom::neighbour_sequence, "each sequence has the keys of its neighbour",
                          [step](const SequencePlan& plan, KeyPlace at) {
                            const auto batch = std::ssize(plan.sequences);
                            return existing(plan, {(at.sequence + step + batch) % batch, at.key});
                          }});
  }
  return explained(runner, Probe::ragged, run, inputs, hypotheses);
}

// The sequence without a key is one that serving engines pad a batch with.
Finding ask_padding(const ProbeRunner& runner) {
  const Problem problem = ragged(runner, {.q = {1, 1, 1}, .kv = {9, 0, 5}});
  const ProbeRun run = runner.run(problem, runner.random_inputs(problem));
  if (run.out_right()) return {Probe::padding};
  const bool unwritten = std::ranges::count(run.unwritten, true) > 0;
  return failure(Probe::padding, unwritten ? Symptom::unwritten : Symptom::failed, run, run.check.reason);
}

struct SinkHypothesis {
  Symptom symptom;
  std::string_view detail;
  float (*sink)(float sink, float scale);
};

constexpr SinkHypothesis kSinkHypotheses[] = {
    {Symptom::sink_missing, "the answer is that without sinks",
     [](float, float) { return -std::numeric_limits<float>::infinity(); }},
    {Symptom::sink_scaled, "the answer is that of sinks times the softmax scale",
     [](float sink, float scale) { return sink * scale; }},
    {Symptom::sink_twice, "the answer is that of sinks that count twice",
     [](float sink, float) { return sink + std::log(2.0f); }},
    {Symptom::failed, "the answer is that of sinks in base 2",
     [](float sink, float) { return sink * std::log(2.0f); }},
};

// Whether each row of O is off by one number, the same in all columns.
bool is_shifted_by_row(const ProbeRun& run) {
  const auto columns = static_cast<std::size_t>(value_columns(run.problem));
  for (std::size_t i = 0; i < run.out.size(); ++i) {
    const std::size_t first = i / columns * columns;
    const float off = run.out[i] - run.wanted_out[i];
    const float first_off = run.out[first] - run.wanted_out[first];
    if (!(std::fabs(off - first_off) <= 2 * static_cast<float>(run.check.limit.max_abs))) return false;
  }
  return true;
}

Finding ask_sinks(const ProbeRunner& runner) {
  Problem problem = runner.problem(4, runner.block_kv() + 1);
  problem.heads_q = problem.heads_kv = 2;
  problem.sinks = true;
  const Problem contiguous = servable(runner, problem);
  problem = runner.unsupported(contiguous).empty() ? contiguous : paged(runner, problem, 2, 1);
  ChosenInputs inputs = runner.random_inputs(problem);
  inputs.sinks = {3.5f, 2.0f};
  const ProbeRun run = runner.run(problem, inputs);
  if (run.out_right()) return {Probe::sinks};
  for (const SinkHypothesis& hypothesis : kSinkHypotheses) {
    ChosenInputs other = inputs;
    for (float& sink : other.sinks) sink = hypothesis.sink(sink, static_cast<float>(problem.scale));
    if (is_answer_of(runner, run, other)) {
      return failure(Probe::sinks, hypothesis.symptom, run, std::string(hypothesis.detail));
    }
  }
  const bool in_output = run.finite() && is_shifted_by_row(run);
  return failure(
      Probe::sinks, in_output ? Symptom::sink_in_output : Symptom::failed, run,
      in_output ? "every row of O is off by one number, the same in all columns" : run.check.reason);
}

}  // namespace

std::span<const ProbeEntry> sequence_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::ragged, "Are sequences of different lengths right?", ask_ragged},
      {Probe::padding, "Is O = 0 written for a sequence without a key?", ask_padding},
      {Probe::pages, "Are the pages of each sequence read? (whole pages)", ask_pages},
      {Probe::page_tail, "Are rows after a sequence's last key left out? (they are NaN)", ask_page_tail},
      {Probe::sinks, "Does each head count its sink once, as it is?", ask_sinks},
  };
  return kProbes;
}

}  // namespace flashcore
