// The faults that the broken kernels have, one each, and what diagnosis has to say of them.
#pragma once

#include <string_view>

#include "diagnose/rules.hpp"

namespace flashcore::broken {

enum class Break : int {
  none,
  swapped_quadrants,
  lost_rows,
  output_not_rescaled,
  sum_not_rescaled,
  maximum_not_carried,
  tile_skipped,
  tail_not_masked,
  causal_off_by_one,
  causal_top_left,
  wrong_scale,
  k_transposed,
  wrong_kv_head,
  missing_barrier,
  ring_read_early,
  output_stride,
  half_sum,
  half_output,
  exp_overflow,
  swapped_columns,
  spoils_v,
  scales_q_in_place,
  overruns_workspace,
  nan_output,
  maximum_from_zero,
  last_key_dropped,
  tail_dropped,
  keyless_rows,
  lse_base_2,
  lse_offset,
  lse_unscaled,
  lse_skips_decode,
  padding_left_out,
  wrong_page,
  wrong_page_row,
  neighbours_pages,
  stale_rows,
  sink_left_out,
  sink_scaled,
  sink_twice,
  sink_in_output,
};

inline constexpr int kBreakCount = static_cast<int>(Break::sink_in_output) + 1;

struct BreakText {
  std::string_view family;  // that of its variants
  const char* summary;
  Fault verdict;
  bool normal_check_sees_it;  // on the problems of normal_problems()
};

inline constexpr BreakText kBreaks[kBreakCount] = {
    {"honest", "the kernel without a fault", Fault::unknown, false},
    {"swapped_quadrants", "two quadrants of P's 16 x 16 fragments change places in P·V", Fault::pv_layout,
     true},
    {"lost_rows", "padding zeroes rows 25 to 31 of each query tile", Fault::query_rows, true},
    {"output_not_rescaled", "O keeps its weight when the maximum grows", Fault::output_rescale, true},
    {"sum_not_rescaled", "the row sum keeps its weight when the maximum grows", Fault::sum_rescale, true},
    {"maximum_not_carried", "each tile starts from its own maximum", Fault::maximum, true},
    {"tile_skipped", "the second tile of keys is left out", Fault::kv_tile, true},
    {"tail_not_masked", "keys that fill up the last tile count", Fault::key_tail, true},
    {"causal_off_by_one", "a query also sees the key after it", Fault::causal_offset, true},
    {"causal_top_left", "the causal diagonal starts at the first key", Fault::causal_alignment, true},
    {"wrong_scale", "scores are divided by head_dim, not by its square root", Fault::scale, true},
    {"k_transposed", "a tile of K is read row-major as column-major", Fault::scores, true},
    {"wrong_kv_head", "query head h reads KV head h", Fault::kv_head, true},
    {"missing_barrier", "no barrier between P's writers and its readers", Fault::race, true},
    {"ring_read_early", "the ring of three stages is read one stage early", Fault::kv_stage, true},
    {"output_stride", "rows of O are stored head_dim apart", Fault::output_stride, true},
    {"half_sum", "the row sum is kept in half precision", Fault::sum_precision, true},
    // With normal inputs, O stays small, as values have either sign.
    {"half_output", "P·V is added up in half precision", Fault::output_precision, false},
    // Scores of normal inputs stay far from where exp() overflows.
    {"exp_overflow", "no maximum is taken off the scores", Fault::overflow, false},
    {"swapped_columns", "V's columns are read 8 off", Fault::value_columns, true},
    {"spoils_v", "the first row of V is zero after a launch", Fault::changes_inputs, true},
    {"scales_q_in_place", "Q is scaled where it is read", Fault::changes_inputs, true},
    {"overruns_workspace", "16 bytes after the workspace are written", Fault::workspace, true},
    {"nan_output", "all of O is NaN", Fault::all_nan, true},
    // With normal inputs, every row has a score above 0 or little below it.
    {"maximum_from_zero", "the running maximum starts at 0", Fault::maximum_start, false},
    {"last_key_dropped", "the last key is left out where all tiles are full", Fault::last_key, true},
    {"tail_dropped", "a tile that is not full is left out behind full ones", Fault::tail_dropped, true},
    {"keyless_rows", "rows that see no key are divided by their sum too", Fault::keyless_rows, true},
    {"lse_base_2", "the log-sum-exp is in base 2", Fault::lse_base, true},
    {"lse_offset", "the log-sum-exp lacks the logarithm of two", Fault::lse_offset, true},
    {"lse_unscaled", "the log-sum-exp has the maximum before it is scaled", Fault::lse_scale, true},
    {"lse_skips_decode", "a single query gets no log-sum-exp", Fault::log_sum_exp, true},
    {"padding_left_out", "blocks of a sequence without a key leave before they write", Fault::padding, true},
    {"wrong_page", "the entry after the right one of the page table is read", Fault::page, true},
    {"wrong_page_row", "the row before the right one of a page is read", Fault::page_row, true},
    {"neighbours_pages", "the pages of the next sequence are read", Fault::neighbour_sequence, true},
    {"stale_rows", "rows of a page after the last key are loaded as they are", Fault::stale_rows, true},
    {"sink_left_out", "the sum lacks the sink", Fault::sink_missing, true},
    {"sink_scaled", "the sink is multiplied by the softmax scale", Fault::sink_scaled, true},
    {"sink_twice", "the sink counts twice", Fault::sink_twice, true},
    {"sink_in_output", "the sink has a value of 1", Fault::sink_in_output, true},
};

constexpr const BreakText& describe(Break which) { return kBreaks[static_cast<int>(which)]; }

}  // namespace flashcore::broken
