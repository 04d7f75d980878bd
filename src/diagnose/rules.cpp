#include "diagnose/rules.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace flashcore {
namespace {

// Symptom::passed also holds for a skipped or missing probe, because it found no failure. Symptom::failed
// holds for every kind of failure.
struct Expectation {
  Probe probe;
  Symptom symptom;
  bool answered = false;  // a probe that was skipped does not count as passed
};

constexpr std::size_t kMaxExpectations = 6;

// The probe of the first expectation is the leading probe.
struct Rule {
  Fault fault;
  std::size_t count;
  std::array<Expectation, kMaxExpectations> expected;
  bool explains_all = false;  // if the rule holds, later rules are not tried
};

template <class... Expectations>
constexpr Rule when(Fault fault, Expectations... expected) {
  return {fault, sizeof...(expected), {expected...}};
}

constexpr Rule alone(Rule rule) {
  rule.explains_all = true;
  return rule;
}

constexpr Expectation passes(Probe probe) { return {probe, Symptom::passed}; }
constexpr Expectation answers_right(Probe probe) { return {probe, Symptom::passed, true}; }
constexpr Expectation fails(Probe probe, Symptom symptom = Symptom::failed) { return {probe, symptom}; }

// First the faults that disturb every other probe, then the faults that one probe shows, then the faults that
// follow from several probes.
constexpr Rule kRules[] = {
    alone(when(Fault::changes_inputs, fails(Probe::inputs_kept))),
    when(Fault::workspace, fails(Probe::workspace_kept)),
    when(Fault::race, fails(Probe::repeats)),
    when(Fault::output_stride, fails(Probe::written, Symptom::misplaced)),
    when(Fault::unwritten, fails(Probe::written, Symptom::unwritten)),
    when(Fault::out_of_bounds, fails(Probe::written, Symptom::out_of_bounds)),
    when(Fault::output_stride, fails(Probe::written_padded), passes(Probe::written)),
    alone(when(Fault::all_nan, fails(Probe::query_rows, Symptom::all_nan))),
    when(Fault::kv_stage, fails(Probe::tile_masses, Symptom::tile_repeated)),
    when(Fault::kv_tile, fails(Probe::tile_masses, Symptom::tile_missing)),
    when(Fault::last_key, fails(Probe::full_tiles, Symptom::last_key_lost)),
    alone(when(Fault::all_zero, fails(Probe::query_rows, Symptom::all_zero))),
    when(Fault::query_rows, fails(Probe::query_rows, Symptom::some_rows)),
    when(Fault::value_columns, fails(Probe::columns, Symptom::columns_moved)),
    when(Fault::head_index, fails(Probe::heads), passes(Probe::query_rows)),
    when(Fault::kv_head, fails(Probe::kv_heads), passes(Probe::heads)),
    when(Fault::scale, fails(Probe::probabilities, Symptom::scores_scaled)),
    when(Fault::overflow, fails(Probe::large_score), passes(Probe::one_tile)),
    when(Fault::row_sum, fails(Probe::probabilities, Symptom::rows_scaled)),
    when(Fault::scores, fails(Probe::probabilities), fails(Probe::one_tile_lse)),
    when(Fault::pv_layout, fails(Probe::probabilities), answers_right(Probe::one_tile_lse)),
    when(Fault::output_rescale, fails(Probe::rising, Symptom::old_tiles_heavy), passes(Probe::one_tile),
         passes(Probe::rising_lse)),
    when(Fault::sum_rescale, fails(Probe::rising, Symptom::evenly_scaled), passes(Probe::one_tile),
         fails(Probe::rising_lse)),
    when(Fault::maximum, fails(Probe::falling_far), passes(Probe::large_score), passes(Probe::rising)),
    when(Fault::maximum, fails(Probe::falling), passes(Probe::rising), passes(Probe::one_tile),
         passes(Probe::long_sum)),
    when(Fault::rescaling, fails(Probe::rising), passes(Probe::one_tile), passes(Probe::tile_masses),
         passes(Probe::long_sum)),
    when(Fault::maximum_start, fails(Probe::far_below), passes(Probe::large_score), passes(Probe::one_tile),
         passes(Probe::rising), passes(Probe::falling), passes(Probe::key_tail)),
    when(Fault::output_precision, fails(Probe::long_sum, Symptom::output_alone), passes(Probe::tile_masses),
         passes(Probe::large_score)),
    when(Fault::sum_precision, fails(Probe::long_sum, Symptom::sum_off), passes(Probe::tile_masses),
         passes(Probe::large_score)),
    when(Fault::query_tail, fails(Probe::query_tail), passes(Probe::query_rows), passes(Probe::one_tile)),
    when(Fault::key_tail, fails(Probe::key_tail, Symptom::sum_off), passes(Probe::one_tile),
         passes(Probe::one_tile_lse), passes(Probe::rising_lse), passes(Probe::tile_masses)),
    when(Fault::key_tail, fails(Probe::key_tail, Symptom::nonfinite), passes(Probe::one_tile),
         passes(Probe::tile_masses)),
    when(Fault::key_tail, fails(Probe::key_tail, Symptom::output_alone), passes(Probe::one_tile),
         passes(Probe::tile_masses), passes(Probe::long_sum)),
    when(Fault::tail_dropped, fails(Probe::key_tail, Symptom::keys_lost), passes(Probe::one_tile),
         passes(Probe::one_tile_lse), passes(Probe::rising_lse), passes(Probe::tile_masses)),
    when(Fault::causal_offset, fails(Probe::causal_square, Symptom::shifted_by_one)),
    when(Fault::causal_alignment, fails(Probe::causal_wide), passes(Probe::causal_square),
         passes(Probe::full_tiles)),
    when(Fault::keyless_rows, fails(Probe::keyless_rows), passes(Probe::causal_square),
         passes(Probe::causal_wide), passes(Probe::one_tile_lse)),
    when(Fault::mask, fails(Probe::causal_square), passes(Probe::one_tile), passes(Probe::full_tiles)),
    when(Fault::mask, fails(Probe::causal_tall), passes(Probe::one_tile), passes(Probe::full_tiles),
         passes(Probe::keyless_rows)),
    when(Fault::mask, fails(Probe::window), passes(Probe::one_tile), passes(Probe::full_tiles)),
    when(Fault::softcap, fails(Probe::softcap), passes(Probe::one_tile)),
    when(Fault::scale, fails(Probe::scale), passes(Probe::one_tile), passes(Probe::long_sum)),
    when(Fault::neighbour_sequence, fails(Probe::ragged, Symptom::neighbour_sequence)),
    when(Fault::neighbour_sequence, fails(Probe::pages, Symptom::neighbour_sequence)),
    when(Fault::page, fails(Probe::pages, Symptom::page_moved)),
    when(Fault::page_row, fails(Probe::pages, Symptom::row_moved)),
    when(Fault::stale_rows, fails(Probe::page_tail, Symptom::nonfinite), passes(Probe::pages),
         passes(Probe::one_tile)),
    when(Fault::sink_missing, fails(Probe::sinks, Symptom::sink_missing), passes(Probe::one_tile)),
    when(Fault::sink_scaled, fails(Probe::sinks, Symptom::sink_scaled), passes(Probe::one_tile)),
    when(Fault::sink_twice, fails(Probe::sinks, Symptom::sink_twice), passes(Probe::one_tile)),
    when(Fault::sink_in_output, fails(Probe::sinks, Symptom::sink_in_output), passes(Probe::one_tile)),
    when(Fault::sinks, fails(Probe::sinks), passes(Probe::one_tile), passes(Probe::key_tail)),
    when(Fault::padding, fails(Probe::padding), passes(Probe::one_tile), passes(Probe::ragged)),
    when(Fault::ragged, fails(Probe::ragged, Symptom::failed), passes(Probe::one_tile),
         passes(Probe::key_tail), passes(Probe::query_tail), passes(Probe::tile_masses),
         passes(Probe::rising)),
    when(Fault::paging, fails(Probe::pages), passes(Probe::one_tile), passes(Probe::key_tail),
         passes(Probe::tile_masses), passes(Probe::rising)),
    when(Fault::paging, fails(Probe::page_tail), passes(Probe::one_tile), passes(Probe::key_tail),
         passes(Probe::tile_masses), passes(Probe::pages)),
    when(Fault::input_stride, fails(Probe::padded_values), passes(Probe::one_tile),
         passes(Probe::written_padded)),
    // A kernel whose tile is not known may have several in one tile of the probes.
    when(Fault::rescaling, fails(Probe::rising, Symptom::old_tiles_heavy), fails(Probe::one_tile),
         passes(Probe::falling), passes(Probe::falling_far), passes(Probe::tile_masses),
         passes(Probe::full_tiles)),
    alone(when(Fault::lse_base, fails(Probe::lse_levels, Symptom::lse_base_2), passes(Probe::one_tile))),
    alone(when(Fault::lse_offset, fails(Probe::lse_levels, Symptom::lse_offset), passes(Probe::one_tile))),
    alone(when(Fault::lse_scale, fails(Probe::lse_levels, Symptom::lse_unscaled), passes(Probe::one_tile))),
    when(Fault::log_sum_exp, fails(Probe::lse_levels, Symptom::failed), passes(Probe::one_tile)),
    when(Fault::log_sum_exp, fails(Probe::one_tile_lse), passes(Probe::one_tile)),
    when(Fault::log_sum_exp, fails(Probe::rising_lse), passes(Probe::rising)),
    when(Fault::log_sum_exp, fails(Probe::lse_anywhere), passes(Probe::one_tile)),
};

constexpr FaultText kTexts[] = {
    {"crash", "The kernel fails",
     "compute-sanitizer's memcheck on a GPU and a debugger on a CPU name the place"},
    {"race", "The answer changes from launch to launch: a race",
     "a barrier is missing between a write and a read of shared memory, or a copy is not waited for; "
     "compute-sanitizer's racecheck names the lines"},
    {"changes_inputs", "The kernel changes its inputs",
     "stores through the pointers of Q, K and V, which other launches read too: scale and convert in "
     "registers"},
    {"workspace", "The kernel writes past its workspace",
     "the size that workspace_bytes() returns against the last element that is stored"},
    {"output_stride", "O is written to the wrong places",
     "the strides or the leading dimension that O is stored with"},
    {"out_of_bounds", "Memory outside of O is written",
     "the bounds of the stores of O, in the last tiles first"},
    {"unwritten", "Some of O is never written", "the bounds of the stores of O, and the size of the grid"},
    {"kv_stage", "A stage of the K/V ring is read while it holds another tile",
     "the index of the stage that is read against the one that was filled and waited for"},
    {"kv_tile", "A tile of keys is left out", "the bounds and the start of the loop over tiles of keys"},
    {"all_zero", "All of O is zero",
     "whether O's accumulator reaches the store, and whether the kernel does anything"},
    {"all_nan", "The output is NaN everywhere",
     "the last step, which all of O goes through: the division by the row sum; and what is read before it is "
     "written"},
    {"query_rows", "Some rows of each query tile are lost",
     "padding and the mapping of threads to rows, where Q is loaded and where O is stored"},
    {"query_tail", "Query tiles that are not full go wrong", "the bound of the rows of the last query tile"},
    {"value_columns", "Columns of V arrive at other columns of O",
     "the column index with which V is loaded for P·V, or with which O is stored"},
    {"head_index", "Heads or batches are mixed up",
     "the strides of heads and batches, and the block's own head"},
    {"kv_head", "Query heads read the wrong KV head", "the KV head is h / (heads_q / heads_kv)"},
    {"overflow", "exp() overflows: the row's maximum is not taken off",
     "exp(score - maximum), also with a scale folded in"},
    {"scale", "The scores have the wrong scale",
     "where scale and log2(e) are multiplied in: once, before the softmax"},
    {"row_sum", "The sum that rows are divided by is wrong within one tile",
     "the reduction of the row sum over lanes and registers"},
    {"scores", "The scores Q·Kᵀ are wrong",
     "the layout of K's (or Q's) fragments: row-major against column-major"},
    {"pv_layout", "The scores are right, and P·V pairs probabilities with the wrong rows or keys",
     "the layout of P as the A operand of P·V: the order of the registers of its quadrants"},
    {"output_rescale", "O is not rescaled when the maximum grows",
     "O has to be multiplied by exp(old maximum - new maximum) before P·V of a tile is added"},
    {"sum_rescale", "The row sum is not rescaled when the maximum grows",
     "the sum has to be multiplied by exp(old maximum - new maximum) before a tile's is added"},
    {"maximum", "The maximum is not carried from tile to tile",
     "new maximum = max(old maximum, maximum of the tile)"},
    {"maximum_start", "The running maximum does not start at -inf",
     "a maximum that starts at 0 stays there in rows whose scores are all below 0, and exp(score - 0) is 0"},
    {"rescaling", "The online softmax goes wrong where the maximum grows",
     "the factor exp(old maximum - new maximum), and what it is applied to"},
    {"sum_precision", "The row sum loses keys when there are many",
     "the type of the row sum: it has to be FP32"},
    {"output_precision", "P·V loses bits when there are many keys",
     "what P·V is added up in; the tensor cores of compute capability 8.9 and 9.0 add products of 8-bit "
     "types "
     "with about 14 bits, whatever the accumulator's type"},
    {"key_tail", "Keys after the last one count: the last tile's tail is not masked",
     "scores of keys from seq_kv on have to be -inf before the maximum and the sum"},
    {"last_key", "The last key of full tiles is dropped",
     "the bound of the keys where seq_kv is a multiple of block_kv, and the number of tiles"},
    {"tail_dropped", "Keys of a last tile that is not full are dropped",
     "the number of tiles: seq_kv / block_kv, rounded up; and the mask of the last one"},
    {"causal_offset", "The causal mask is one key off",
     "query i sees keys up to and with i + seq_kv - seq_q"},
    {"causal_alignment", "The causal mask is not aligned bottom-right",
     "the diagonal starts at key seq_kv - seq_q, not at 0"},
    {"mask", "The mask is wrong",
     "which keys a query sees: [i + seq_kv - seq_q - left, i + seq_kv - seq_q + right]"},
    {"keyless_rows", "Rows that see no key are wrong",
     "where the row sum is 0, O is 0 and the log-sum-exp -inf"},
    {"softcap", "The soft cap is wrong", "cap * tanh(score / cap), after the scale and before the mask"},
    {"ragged", "Sequences of different lengths go wrong",
     "the first row and the length of each sequence: cu_seqlens[i] and cu_seqlens[i + 1]"},
    {"padding", "Sequences without a key are not written",
     "blocks that leave early because there are no keys: O is 0 there, and the log-sum-exp -inf or the sink"},
    {"neighbour_sequence", "Keys of another sequence are read",
     "the index of the sequence in cu_seqlens and in the rows of the page table, and the table's row stride"},
    {"page", "The wrong page is read", "the entry of the page table: key / page_size"},
    {"page_row", "The wrong row of a page is read",
     "the row of a page: key % page_size, times the row's stride"},
    {"stale_rows", "Rows of a page after the sequence's last key count",
     "their probability is 0, but 0 times NaN is NaN: V has to be 0 there as well"},
    {"paging", "Paged caches go wrong", "the strides of pages, rows and heads, each of K and of V"},
    {"sink_missing", "The sinks are left out", "exp(sink - maximum) in the sum, and the sink in the maximum"},
    {"sink_scaled", "The sinks are multiplied by the softmax scale",
     "the sink is no score of a key: only log2(e) may be multiplied in"},
    {"sink_twice", "The sinks count twice", "splits of the keys: only one of them may count the sink"},
    {"sink_in_output", "The sinks get into O", "a sink has no value: it counts in the sum alone"},
    {"sinks", "The sinks are wrong", "one natural logarithm per query head, in the maximum and in the sum"},
    {"input_stride", "Q, K or V is read with the wrong strides", "the strides of Q, K and V, each its own"},
    {"log_sum_exp", "O is right, and the log-sum-exp is wrong",
     "maximum (in base e) + log(sum), where the sum is final"},
    {"lse_base", "The log-sum-exp is in base 2, and O is right",
     "a maximum and a logarithm in base 2 have to be multiplied by ln(2)"},
    {"lse_offset", "The log-sum-exp is off by a constant, and O is right",
     "what is added to it or left out: a bias of the exponent, log(sum), a factor of P"},
    {"lse_scale", "The log-sum-exp has the maximum before it is scaled, and O is right",
     "scale * maximum + log(sum), where the maximum is that of Q·Kᵀ"},
    {"unknown", "The answer is wrong, and the probes do not tell why", "the first failed probe, and the map"},
};
static_assert(std::size(kTexts) == kFaultCount);

bool holds(const Expectation& expected, std::span<const Finding> findings) {
  const auto found = std::ranges::find(findings, expected.probe, &Finding::probe);
  if (found != findings.end() && expected.answered && found->symptom != Symptom::passed) return false;
  if (expected.symptom == Symptom::passed) return found == findings.end() || !found->failed();
  if (found == findings.end()) return false;
  return expected.symptom == Symptom::failed ? found->failed() : found->symptom == expected.symptom;
}

bool holds(const Rule& rule, std::span<const Finding> findings) {
  const std::span expected = std::span(rule.expected).first(rule.count);
  return std::ranges::all_of(expected, [&](const Expectation& one) { return holds(one, findings); });
}

}  // namespace

FaultText text_of(Fault fault) { return kTexts[static_cast<int>(fault)]; }

std::vector<SuspectedFault> suspected_faults(std::span<const Finding> findings) {
  const auto crash = std::ranges::find(findings, Symptom::crashed, &Finding::symptom);
  if (crash != findings.end()) return {{Fault::crash, crash->probe}};
  std::vector<SuspectedFault> suspected;
  for (const Rule& rule : kRules) {
    if (!holds(rule, findings)) continue;
    if (std::ranges::find(suspected, rule.fault, &SuspectedFault::fault) != suspected.end()) continue;
    suspected.push_back({rule.fault, rule.expected.front().probe});
    if (rule.explains_all) break;
  }
  if (!suspected.empty()) return suspected;
  const auto failure = std::ranges::find_if(findings, &Finding::failed);
  if (failure != findings.end()) suspected.push_back({Fault::unknown, failure->probe});
  return suspected;
}

}  // namespace flashcore
