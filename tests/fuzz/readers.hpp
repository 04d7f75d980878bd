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

inline constexpr Reader kReaders[] = {
    {"config", read_config}, {"results", read_result_file}, {"problem_flag", read_problem_flag}};

}  // namespace flashcore::fuzz
