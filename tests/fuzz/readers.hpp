// The readers of what comes from outside, as functions of bytes: for fuzzing, and for replaying its corpus.
#pragma once

#include <string_view>

namespace flashcore::fuzz {

// Reads the text as its reader does and lets a UsageError pass, which is how a reader refuses. What it
// accepts must have further properties; a breach of them is a std::logic_error.
struct Reader {
  std::string_view name;  // that of its folder in tests/fuzz/corpus
  void (*read)(std::string_view text);
};

void read_config(std::string_view text);        // make_plan; a second time from the plan's own config
void read_result_file(std::string_view text);   // parse_results; what is written from it reads back the same
void read_problem_flag(std::string_view text);  // --problem
void read_tuned_table(std::string_view text);   // parse_tuned_table, and merging its entries
void read_journal(std::string_view text);       // parse_journal, and what it decides
void read_gate(std::string_view text);          // policy_from_json
void read_noise(std::string_view text);         // noise_from_json
void read_worker(std::string_view text);        // a line of a worker, as each of the answers that there are

inline constexpr Reader kReaders[] = {{"config", read_config},
                                      {"results", read_result_file},
                                      {"problem_flag", read_problem_flag},
                                      {"tuned_table", read_tuned_table},
                                      {"journal", read_journal},
                                      {"gate", read_gate},
                                      {"noise", read_noise},
                                      {"worker", read_worker}};

}  // namespace flashcore::fuzz
