// The rules that derive suspected faults of a kernel from findings: a table that is read from top to bottom.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "diagnose/finding.hpp"

namespace flashcore {

enum class Fault : int {
  crash,
  race,
  changes_inputs,
  workspace,
  output_stride,
  out_of_bounds,
  unwritten,
  kv_stage,
  kv_tile,
  all_zero,
  all_nan,
  query_rows,
  query_tail,
  value_columns,
  head_index,
  kv_head,
  overflow,
  scale,
  row_sum,
  scores,
  pv_layout,
  output_rescale,
  sum_rescale,
  maximum,
  maximum_start,
  rescaling,
  sum_precision,
  output_precision,
  key_tail,
  last_key,
  tail_dropped,
  causal_offset,
  causal_alignment,
  mask,
  keyless_rows,
  softcap,
  ragged,
  padding,
  neighbour_sequence,
  page,
  page_row,
  stale_rows,
  paging,
  sink_missing,
  sink_scaled,
  sink_twice,
  sink_in_output,
  sinks,
  input_stride,
  log_sum_exp,
  lse_base,
  lse_offset,
  lse_scale,
  unknown,
};

inline constexpr int kFaultCount = static_cast<int>(Fault::unknown) + 1;

struct FaultText {
  std::string_view name;      // in JSON
  std::string_view sentence;  // describes the fault; without a full stop
  std::string_view advice;    // where to look
};
FaultText text_of(Fault fault);

// A fault, and its leading probe, whose finding shows it best.
struct SuspectedFault {
  Fault fault = Fault::unknown;
  Probe lead = Probe::plain;
};

// The faults of all rules that the findings fulfil, in the order of the table, each fault once. Only {crash,
// the probe} if a probe crashed. Empty if no probe failed. {unknown, the first failed probe} if a probe
// failed and no rule holds.
std::vector<SuspectedFault> suspected_faults(std::span<const Finding> findings);

}  // namespace flashcore
