// All readers of external input as functions of bytes, for fuzzing and for replaying the corpus.
#pragma once

#include <string_view>

namespace flashcore::fuzz {

// Calls a reader and ignores UsageError, with which readers reject input. Accepted input must have further
// properties; a violation throws std::logic_error.
struct Reader {
  std::string_view name;  // the name of its folder in tests/fuzz/corpus
  void (*read)(std::string_view text);
};

void read_config(std::string_view text);        // make_plan, and again from the plan's config
void read_result_file(std::string_view text);   // parse_results; written results must read back the same
void read_problem_flag(std::string_view text);  // --problem
void read_tuned_table(std::string_view text);   // parse_tuned_table, and merging its entries
void read_journal(std::string_view text);       // parse_journal, and its tuned entries
void read_gate(std::string_view text);          // policy_from_json
void read_noise(std::string_view text);         // noise_from_json
void read_worker(std::string_view text);        // a line of a worker, read as every kind of answer
void read_calls_file(std::string_view text);    // parse_calls; the rest of the text is the tensors' file
void read_trace(std::string_view text);         // parse_requests, and the first steps of a scheduler

inline constexpr Reader kReaders[] = {{"config", read_config},
                                      {"results", read_result_file},
                                      {"problem_flag", read_problem_flag},
                                      {"tuned_table", read_tuned_table},
                                      {"journal", read_journal},
                                      {"gate", read_gate},
                                      {"noise", read_noise},
                                      {"worker", read_worker},
                                      {"calls", read_calls_file},
                                      {"trace", read_trace}};

}  // namespace flashcore::fuzz
