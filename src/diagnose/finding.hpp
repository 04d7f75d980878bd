// The probes, and the finding of a probe about a kernel.
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

// Each probe asks one question about a kernel as a black box, with inputs that are made for the question. A
// "tile" has block_q rows and block_kv keys.
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
  ragged,
  padding,
  pages,
  page_tail,
  sinks,
  shift,
  permuted_keys,
  doubled_values,
  inputs_kept,
  workspace_kept,
  lse_anywhere,
};
inline constexpr std::string_view kProbeWords[] = {
    "repeats",     "plain",          "written",     "written_padded", "padded_values",    "query_rows",
    "query_tail",  "columns",        "heads",       "kv_heads",       "one_tile",         "one_tile_lse",
    "lse_levels",  "probabilities",  "row_sums",    "q_columns",      "rows_independent", "scale",
    "large_score", "tile_masses",    "rising",      "rising_lse",     "falling",          "falling_far",
    "far_below",   "long_sum",       "key_tail",    "full_tiles",     "causal_square",    "causal_wide",
    "causal_tall", "keyless_rows",   "window",      "softcap",        "ragged",           "padding",
    "pages",       "page_tail",      "sinks",       "shift",          "permuted_keys",    "doubled_values",
    "inputs_kept", "workspace_kept", "lse_anywhere"};
constexpr Words words(Probe) { return kProbeWords; }

// The result of a probe. All but passed and skipped are failures. Symptoms after `failed` are its kinds.
enum class Symptom : int {
  passed,
  skipped,  // the variant cannot run the problem
  failed,
  crashed,             // the launch failed or the process died
  unwritten,           // some of O still holds poison
  out_of_bounds,       // memory outside of O changed
  misplaced,           // unwritten and out_of_bounds
  some_rows,           // some rows of O are wrong, the others right
  all_zero,            // all of O is zero
  all_nan,             // all of O is NaN
  columns_moved,       // columns of O hold other columns of V
  nonfinite,           // NaN or infinity
  scores_scaled,       // log P is the right one times a factor
  rows_scaled,         // each row of P is the right one times a factor
  tile_missing,        // a tile of keys has no weight
  tile_repeated,       // a tile of keys counts twice
  old_tiles_heavy,     // the last tile has the right weight, earlier tiles have too much
  evenly_scaled,       // the weights of all tiles are off by the same factor
  shifted_by_one,      // the mask's edge is one key off in every row
  aligned_top_left,    // the mask's diagonal starts at the first key
  output_alone,        // O is wrong, and the log-sum-exp is right
  sum_off,             // the log-sum-exp is wrong
  keys_lost,           // the log-sum-exp counts too few keys
  last_key_lost,       // only the last keys of tiles have no weight
  lse_alone,           // the log-sum-exp is wrong, and O is right
  lse_base_2,          // the log-sum-exp is log2(e) times the right one
  lse_offset,          // the log-sum-exp is the right one plus a constant
  lse_unscaled,        // the log-sum-exp grows like the scores before scaling
  neighbour_sequence,  // the answer is that with the keys of another sequence
  page_moved,          // the answer is that with the keys of another page
  row_moved,           // the answer is that with other rows of the same page
  sink_missing,        // the answer is that without sinks
  sink_scaled,         // the answer is that of sinks times the softmax scale
  sink_twice,          // the answer is that of sinks that count twice
  sink_in_output,      // each row of O is off by one number
};
inline constexpr std::string_view kSymptomWords[] = {"passed",
                                                     "skipped",
                                                     "failed",
                                                     "crashed",
                                                     "unwritten",
                                                     "out_of_bounds",
                                                     "misplaced",
                                                     "some_rows",
                                                     "all_zero",
                                                     "all_nan",
                                                     "columns_moved",
                                                     "nonfinite",
                                                     "scores_scaled",
                                                     "rows_scaled",
                                                     "tile_missing",
                                                     "tile_repeated",
                                                     "old_tiles_heavy",
                                                     "evenly_scaled",
                                                     "shifted_by_one",
                                                     "aligned_top_left",
                                                     "output_alone",
                                                     "sum_off",
                                                     "keys_lost",
                                                     "last_key_lost",
                                                     "lse_alone",
                                                     "lse_base_2",
                                                     "lse_offset",
                                                     "lse_unscaled",
                                                     "neighbour_sequence",
                                                     "page_moved",
                                                     "row_moved",
                                                     "sink_missing",
                                                     "sink_scaled",
                                                     "sink_twice",
                                                     "sink_in_output"};
constexpr Words words(Symptom) { return kSymptomWords; }

struct Finding {
  Probe probe = Probe::plain;
  Symptom symptom = Symptom::passed;
  std::string detail = {};           // the observation in one line
  std::optional<ErrorMap> map = {};  // if the failure has a position in O or P
  std::optional<BadElement> first_bad = {};
  std::optional<Problem> problem = {};  // on which the probe failed

  bool failed() const { return symptom >= Symptom::failed; }
};

}  // namespace flashcore
