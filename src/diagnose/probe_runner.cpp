#include "diagnose/probe_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "attention/sequence_plan.hpp"
#include "kernels/common/random.hpp"
#include "kernels/reference/difference.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kDefaultBlock = 64;

bool is_off(float got, float wanted, double limit) {
  return got != wanted && !(std::fabs(static_cast<double>(got) - static_cast<double>(wanted)) <= limit);
}

void fill_normal(std::vector<float>& values, std::uint64_t stream) {
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const kernels::NormalPair pair = kernels::normal_pair(stream, i / 2);
    values[i] = pair.first;
    if (i + 1 < values.size()) values[i + 1] = pair.second;
  }
}

Cell cell_of(const ProbeRun& run, std::size_t i, double limit) {
  const float got = run.out[i];
  const float wanted = run.wanted_out[i];
  if (run.unwritten[i]) return Cell::unwritten;
  if (!is_off(got, wanted, limit)) return Cell::right;
  if (!std::isfinite(got)) return Cell::nonfinite;
  if (got == 0) return Cell::zero;
  return is_off(got, wanted, 10 * limit) ? Cell::far_off : Cell::off;
}

// The first element of the head with the worst element of the check.
OutputPlace worst_head(const ProbeRun& run) {
  const std::int64_t index = std::max<std::int64_t>(run.check.error.worst_index, 0);
  const OutputPlace worst = output_place(run.problem, index, value_columns(run.problem));
  return {.sequence = worst.sequence, .head = worst.head, .row = 0, .column = 0};
}

}  // namespace

bool ProbeRun::out_right() const {
  const ErrorNorms& error = check.error;
  return std::ranges::count(unwritten, true) == 0 && error.nonfinite == 0 &&
         error.max_abs <= check.limit.max_abs && error.rel_l2 <= check.limit.rel_l2;
}

bool ProbeRun::lse_right() const { return first_bad_lse().empty(); }

std::string ProbeRun::first_bad_lse() const {
  for (std::size_t i = 0; i < lse.size(); ++i) {
    if (!is_off(lse[i], wanted_lse[i], check.limit.lse_max_abs)) continue;
    const bool written = std::bit_cast<std::uint32_t>(lse[i]) != kernels::kPoison32;
    const OutputPlace at = output_place(problem, static_cast<std::int64_t>(i), 1);
    return fmt::format("the log-sum-exp of batch {}, head {}, row {} is {}, wanted {:.5g}", at.sequence,
                       at.head, at.row, written ? fmt::format("{:.5g}", lse[i]) : "not written",
                       wanted_lse[i]);
  }
  return "";
}

bool ProbeRun::finite() const { return check.error.nonfinite == 0; }

// An output may exceed the relative L2 limit although no element exceeds its own limit. The limit of an
// element then follows from the L2 limit.
double ProbeRun::element_limit() const {
  const bool one_is_large = check.error.max_abs > check.limit.max_abs || out_right();
  return one_is_large ? check.limit.max_abs : check.limit.rel_l2 * check.error.reference_rms;
}

std::int64_t ProbeRunner::block_q() const {
  return variant_.spec.tile.block_q > 0 ? variant_.spec.tile.block_q : kDefaultBlock;
}

std::int64_t ProbeRunner::block_kv() const {
  return variant_.spec.tile.block_kv > 0 ? variant_.spec.tile.block_kv : kDefaultBlock;
}

std::optional<Dtype> ProbeRunner::kv_dtype() const {
  if (variant_.spec.tile.kv_bits == 0) return std::nullopt;
  return Dtype::e4m3;
}

Problem ProbeRunner::problem(std::int64_t seq_q, std::int64_t seq_kv) const {
  Problem problem;
  problem.seq_q = seq_q;
  problem.seq_kv = seq_kv;
  problem.head_dim = head_dim();
  problem.dtype = variant_.spec.dtype;
  problem.kv_dtype = kv_dtype();
  problem.out_dtype = asked_.out_dtype;
  problem.scale = default_scale(head_dim());
  problem.lse = true;
  problem.lse = unsupported(problem).empty();
  return problem;
}

Problem ProbeRunner::lse_problem(std::int64_t seq_q, std::int64_t seq_kv) const {
  Problem asked = problem(seq_q, seq_kv);
  if (!asked.lse) throw Unsupported("it has no log-sum-exp");
  return asked;
}

std::string ProbeRunner::unsupported(const Problem& problem) const {
  observer_.on_call(problem);
  std::string reason = launcher_.unsupported(variant_, in_form(problem, form_));
  observer_.on_return();
  return reason;
}

ChosenInputs ProbeRunner::random_inputs(const Problem& problem) const {
  using kernels::InputTensor;
  ChosenInputs inputs;
  inputs.q.resize(static_cast<std::size_t>(query_shape(problem).elements()));
  inputs.k.resize(static_cast<std::size_t>(key_shape(problem).elements()));
  inputs.v.resize(static_cast<std::size_t>(value_shape(problem).elements()));
  fill_normal(inputs.q, kernels::random_stream(seed_, InputTensor::q, 0));
  fill_normal(inputs.k, kernels::random_stream(seed_, InputTensor::k, 0));
  fill_normal(inputs.v, kernels::random_stream(seed_, InputTensor::v, 0));
  return inputs;
}

std::vector<float> ProbeRunner::reference_out(const Problem& problem, const ChosenInputs& inputs) const {
  return ProblemBuffers(problem, inputs, launcher_.device()).reference_out();
}

ProbeRunner::Form ProbeRunner::find_form() const {
  Problem problem;
  problem.seq_q = block_q();
  problem.seq_kv = block_kv();
  problem.head_dim = head_dim();
  problem.dtype = variant_.spec.dtype;
  problem.kv_dtype = kv_dtype();
  problem.out_dtype = asked_.out_dtype;
  problem.scale = default_scale(head_dim());
  for (const Form form :
       {Form{}, Form{.ragged = true}, Form{.paged = true}, Form{.ragged = true, .paged = true}}) {
    observer_.on_call(problem);
    const std::string reason = launcher_.unsupported(variant_, in_form(problem, form));
    observer_.on_return();
    if (reason.empty()) return form;
  }
  return {};
}

Problem ProbeRunner::in_form(Problem problem, Form form) {
  constexpr std::int64_t kPageSize = 16;
  if (!is_rectangular(problem)) return problem;
  if (form.ragged) {
    const auto batch = static_cast<std::size_t>(problem.batch);
    problem.lengths = Lengths{.q = std::vector(batch, static_cast<std::int32_t>(problem.seq_q)),
                              .kv = std::vector(batch, static_cast<std::int32_t>(problem.seq_kv))};
  }
  if (form.paged) problem.kv = {.layout = KvKind::paged, .page_size = kPageSize};
  return problem;
}

ProbeRun ProbeRunner::run(const Problem& problem, const ChosenInputs& inputs) const {
  return run_again(problem, inputs, 0, nullptr);
}

ProbeRun ProbeRunner::run_again(const Problem& asked, const ChosenInputs& inputs, int launches,
                                const std::function<void(const std::vector<float>&)>& see) const {
  if (const std::string reason = unsupported(asked); !reason.empty()) throw Unsupported(reason);
  const Problem problem = in_form(asked, form_);
  ProblemBuffers memory(problem, inputs, launcher_.device());
  memory.inputs().remember(1);
  launch_once(memory, inputs);
  ProbeRun run{.problem = problem, .check = memory.check_outputs({})};
  run.out = memory.outputs().read_out();
  run.lse = memory.outputs().read_lse();
  run.wanted_out = memory.reference_out();
  run.wanted_lse = memory.reference_lse();
  run.unwritten = memory.outputs().read_unwritten();
  if (!notes_.lse_wrong && run.out_right() && !run.lse_right()) {
    notes_.lse_wrong = {fmt::format("{}: {}", describe_lengths(problem), run.first_bad_lse()), problem};
  }
  for (int launch = 0; launch < launches; ++launch) {
    launch_once(memory, inputs);
    see(memory.outputs().read_out());
  }
  return run;
}

void ProbeRunner::launch_once(ProblemBuffers& memory, const ChosenInputs& inputs) const {
  const Problem& problem = memory.problem();
  memory.poison_outputs();
  observer_.on_call(problem);
  launcher_.run(variant_, memory);
  observer_.on_return();
  if (const std::int64_t words = memory.past_workspace(); words > 0 && !notes_.workspace_overrun) {
    notes_.workspace_overrun = {
        fmt::format("{}: {} words around it have changed", describe_lengths(problem), words), problem};
  }
  const std::string changed = memory.inputs().changed();
  if (changed.empty()) return;
  if (!notes_.inputs_changed) {
    notes_.inputs_changed = {
        fmt::format("{}: a launch leaves other values in {}", describe_lengths(problem), changed), problem};
  }
  memory.inputs().choose(inputs);
}

std::vector<float> make_tensor(const TensorShape& shape,
                               const std::function<float(std::int64_t, std::int64_t, std::int64_t)>& value) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(shape.elements()));
  for (std::int64_t head = 0; head < shape.batch * shape.heads; ++head) {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      for (std::int64_t column = 0; column < shape.head_dim; ++column) {
        values.push_back(value(head, row, column));
      }
    }
  }
  return values;
}

std::vector<float> constant_tensor(const TensorShape& shape, float value) {
  return std::vector<float>(static_cast<std::size_t>(shape.elements()), value);
}

ChosenInputs inputs_with_scores(const Problem& problem, const std::function<double(std::int64_t)>& score) {
  const TensorShape keys = key_shape(problem);
  constexpr float kQuery = 16;  // keeps K within the range of fp16 for large scores
  ChosenInputs inputs;
  inputs.q = make_tensor(query_shape(problem),
                         [](auto, auto, std::int64_t column) { return column == 0 ? kQuery : 0.0f; });
  inputs.k = make_tensor(keys, [&](auto, std::int64_t key, std::int64_t column) {
    return column == 0 ? static_cast<float>(score(key) / problem.scale) / kQuery : 0.0f;
  });
  inputs.v = constant_tensor(keys, 0);
  return inputs;
}

std::string describe_lengths(const Problem& problem) {
  const std::string pages = problem.kv.is_paged() ? fmt::format(", kv {}", kv_cache_text(problem.kv)) : "";
  if (problem.lengths) return fmt::format("lengths {}{}", lengths_text(*problem.lengths), pages);
  return fmt::format("seq_q {}, seq_kv {}{}", problem.seq_q, problem.seq_kv, pages);
}

ErrorMap map_of_output(const ProbeRun& run) {
  const auto columns = static_cast<std::size_t>(value_columns(run.problem));
  const OutputPlace head = worst_head(run);
  const auto sequence = static_cast<std::size_t>(head.sequence);
  const auto rows =
      static_cast<std::size_t>(run.problem.lengths ? run.problem.lengths->q[sequence] : run.problem.seq_q);
  const auto first = static_cast<std::size_t>(*output_index(run.problem, head, value_columns(run.problem)));
  const double limit = run.element_limit();
  ErrorMap map{.of = "O: rows x columns", .cells = {}};
  for (std::size_t row = 0; row < rows; ++row) {
    std::string& cells = map.cells.emplace_back();
    for (std::size_t column = 0; column < columns; ++column) {
      cells += static_cast<char>(cell_of(run, first + row * columns + column, limit));
    }
  }
  return map;
}

std::optional<BadElement> first_bad_output(const ProbeRun& run) {
  const double limit = run.element_limit();
  for (std::size_t i = 0; i < run.out.size(); ++i) {
    if (cell_of(run, i, limit) == Cell::right) continue;
    const OutputPlace at =
        output_place(run.problem, static_cast<std::int64_t>(i), value_columns(run.problem));
    return BadElement{.batch = at.sequence,
                      .head = at.head,
                      .row = at.row,
                      .column = at.column,
                      .got = static_cast<double>(run.out[i]),
                      .wanted = static_cast<double>(run.wanted_out[i])};
  }
  return std::nullopt;
}

Finding failure(Probe probe, Symptom symptom, const ProbeRun& run, std::string detail) {
  Finding finding{.probe = probe, .symptom = symptom, .detail = std::move(detail), .problem = run.problem};
  if (ErrorMap map = map_of_output(run); map.any_wrong()) finding.map = std::move(map);
  finding.first_bad = first_bad_output(run);
  return finding;
}

}  // namespace flashcore
