#include "diagnose/finding.hpp"

#include <iterator>

namespace flashcore {

ProbeText describe(Probe probe) {
  static constexpr ProbeText kTexts[] = {
      {"repeats", "Are the answers of several launches on the same inputs the same?"},
      {"plain", "Is the answer to the problem asked for right?"},
      {"written", "Is all of O written, and nothing else?"},
      {"written_padded", "The same with gaps between rows and heads"},
      {"padded_values", "Is O right with gaps, and with heads inside of rows?"},
      {"query_rows", "Do all rows of full query tiles arrive? (Q = 0, V = 1)"},
      {"query_tail", "And those of query tiles that are not full?"},
      {"columns", "Does column c of O show column c of V? (Q = 0, V = its column's number)"},
      {"heads", "Is each head made of its own V?"},
      {"kv_heads", "Does query head h read KV head h / (heads_q / heads_kv)?"},
      {"one_tile", "Is O of one tile right?"},
      {"one_tile_lse", "Is the log-sum-exp of one tile right?"},
      {"probabilities", "Is P of one tile right? (V one-hot: O is P)"},
      {"row_sums", "Do the rows of P sum to 1? (V = 1)"},
      {"q_columns", "Does each key meet the right column of Q? (K one-hot)"},
      {"rows_independent", "Does a change of one row of Q change that row of O alone?"},
      {"scale", "Does the kernel follow the scale it is given?"},
      {"large_score", "Is one score of 200 harmless?"},
      {"tile_masses", "Do five tiles of equal scores weigh the same?"},
      {"rising", "Do three tiles with rising scores weigh what they should?"},
      {"rising_lse", "And their log-sum-exp?"},
      {"falling", "Do three tiles with falling scores weigh what they should?"},
      {"falling_far", "Is a tile of scores 240 below the first one harmless?"},
      {"long_sum", "Is a sum over 8192 keys right?"},
      {"key_tail", "Are keys after the last one left out? (seq_kv 1, a tile and 1, two tiles less 1)"},
      {"causal_square", "Is the causal mask right with seq_q = seq_kv? (Q = 0: P shows it)"},
      {"causal_wide", "And with more keys than queries?"},
      {"causal_tall", "And with more queries than keys?"},
      {"window", "Is a window right?"},
      {"softcap", "Is a soft cap right?"},
      {"shift", "Does O stay when every score grows by the same?"},
      {"permuted_keys", "Does O stay when keys and their values change places?"},
      {"doubled_values", "Does O double with V?"},
  };
  static_assert(std::size(kTexts) == static_cast<std::size_t>(Probe::doubled_values) + 1);
  return kTexts[static_cast<int>(probe)];
}

std::string_view to_string(Sign sign) {
  static constexpr std::string_view kNames[] = {
      "passed",          "skipped",       "failed",         "crashed",          "unwritten",
      "out_of_bounds",   "misplaced",     "some_rows",      "all_zero",         "columns_moved",
      "nonfinite",       "scores_scaled", "rows_scaled",    "tile_missing",     "tile_repeated",
      "old_tiles_heavy", "evenly_scaled", "shifted_by_one", "aligned_top_left", "output_alone",
      "sum_off"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Sign::sum_off) + 1);
  return kNames[static_cast<int>(sign)];
}

}  // namespace flashcore
