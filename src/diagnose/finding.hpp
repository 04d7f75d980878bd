// What a probe asks of a kernel, and what it found.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attention/problem.hpp"
#include "base/words.hpp"
#include "diagnose/error_map.hpp"

namespace flashcore {

// One question to a kernel as a black box, each with inputs made for it. A "tile" is block_q rows by block_kv
// keys.
enum class Probe : int {
  repeats,
  plain,
  written,
  written_padded,
  padded_values,
  query_rows,
  query_tail,
  columns,
  heads,
  kv_heads,
  one_tile,
  one_tile_lse,
  lse_levels,
  probabilities,
  row_sums,
  q_columns,
  rows_independent,
  scale,
  large_score,
  tile_masses,
  rising,
  rising_lse,
  falling,
  falling_far,
  far_below,
  long_sum,
  key_tail,
  full_tiles,
  causal_square,
  causal_wide,
  causal_tall,
  keyless_rows,
  window,
  softcap,
  shift,
  permuted_keys,
  doubled_values,
  inputs_kept,
  workspace_kept,
  lse_anywhere,
};
inline constexpr std::string_view kProbeWords[] = {"repeats",
                                                   "plain",
                                                   "written",
                                                   "written_padded",
                                                   "padded_values",
                                                   "query_rows",
                                                   "query_tail",
                                                   "columns",
                                                   "heads",
                                                   "kv_heads",
                                                   "one_tile",
                                                   "one_tile_lse",
                                                   "lse_levels",
                                                   "probabilities",
                                                   "row_sums",
                                                   "q_columns",
                                                   "rows_independent",
                                                   "scale",
                                                   "large_score",
                                                   "tile_masses",
                                                   "rising",
                                                   "rising_lse",
                                                   "falling",
                                                   "falling_far",
                                                   "far_below",
                                                   "long_sum",
                                                   "key_tail",
                                                   "full_tiles",
                                                   "causal_square",
                                                   "causal_wide",
                                                   "causal_tall",
                                                   "keyless_rows",
                                                   "window",
                                                   "softcap",
                                                   "shift",
                                                   "permuted_keys",
                                                   "doubled_values",
                                                   "inputs_kept",
                                                   "workspace_kept",
                                                   "lse_anywhere"};
constexpr Words words(Probe) { return kProbeWords; }

// How a probe ended. All but passed and skipped are failures; those after `failed` say what kind.
enum class Symptom : int {
  passed,
  skipped,  // the variant cannot run such a problem
  failed,
  crashed,           // the launch failed
  unwritten,         // some of O still holds poison
  out_of_bounds,     // memory outside of O changed
  misplaced,         // both
  some_rows,         // some rows of O are wrong, the others right
  all_zero,          // all of O is zero
  all_nan,           // all of O is NaN
  columns_moved,     // columns of O hold other columns of V
  nonfinite,         // NaN or infinity
  scores_scaled,     // the probabilities' logarithms are the right ones times a factor
  rows_scaled,       // each row of P is the right one times a factor
  tile_missing,      // a tile of keys has no weight
  tile_repeated,     // a tile of keys counts twice
  old_tiles_heavy,   // the last tile weighs what it should, those before it too much
  evenly_scaled,     // all tiles weigh the same factor too much or too little
  shifted_by_one,    // the mask's edge is one key off in every row
  aligned_top_left,  // the mask's diagonal starts at the first key
  output_alone,      // O is wrong where the log-sum-exp is right
  sum_off,           // the log-sum-exp is wrong
  keys_lost,         // it counts too few keys
  last_key_lost,     // the last keys of tiles have no weight, and no others
  lse_alone,         // the log-sum-exp is wrong where O is right
  lse_base_2,        // it is log2(e) times the right one
  lse_offset,        // it is the right one plus a constant
  lse_unscaled,      // it grows like the scores before they are scaled
};
inline constexpr std::string_view kSymptomWords[] = {
    "passed",         "skipped",          "failed",       "crashed",       "unwritten",       "out_of_bounds",
    "misplaced",      "some_rows",        "all_zero",     "all_nan",       "columns_moved",   "nonfinite",
    "scores_scaled",  "rows_scaled",      "tile_missing", "tile_repeated", "old_tiles_heavy", "evenly_scaled",
    "shifted_by_one", "aligned_top_left", "output_alone", "sum_off",       "keys_lost",       "last_key_lost",
    "lse_alone",      "lse_base_2",       "lse_offset",   "lse_unscaled"};
constexpr Words words(Symptom) { return kSymptomWords; }

struct Finding {
  Probe probe = Probe::plain;
  Symptom symptom = Symptom::passed;
  std::string detail = {};           // what was seen, one line
  std::optional<ErrorMap> map = {};  // of a failure that has a place
  std::optional<BadElement> first_bad = {};
  std::optional<Problem> problem = {};  // on which it failed

  bool failed() const { return symptom >= Symptom::failed; }
};

}  // namespace flashcore
