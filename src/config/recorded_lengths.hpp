// Lengths from files of recorded calls and from traces of requests.
#pragma once

#include <string>

#include "base/json_document.hpp"

namespace flashcore {

// Replaces, in the problem or problems at `pointer`, each of these values of `lengths` by its calls, which are values of
// an axis; equal calls are one value, whose source has the numbers of all. read_lengths() reads them.
//
//   {"calls": "calls.jsonl"}                        one call per line (trace/recorded_calls.hpp)
//   {"trace": "azure.csv", "scheduler": {…}, "steps": 100, "first_step": 0, "every": 1}
//                                                   one call per step of a scheduler (trace/scheduler.hpp)
//
// "scheduler" has token_budget and max_sequences, and may have chunk, prefix_hits (a share from 0 to 1, or "hash_ids") and
// seed, all 0 when absent. "steps" calls are taken: step first_step and every `every`-th after it.
//
// Relative paths are from the folder of the document; of one from standard input, from the working directory. Values of
// other forms stay; so do wrong ones, which read_problems() reports. Throws UsageError that names the place in the
// document and, for what a file has, its line.
void load_recorded_lengths(JsonDocument& document, const std::string& pointer);

}  // namespace flashcore
