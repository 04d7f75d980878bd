#include "check/problem_buffers.hpp"

#include <algorithm>

#include "kernels/common/cpu_numeric.hpp"

namespace flashcore {
namespace {

using kernels::DifferenceSums;
using kernels::InputTensor;

constexpr std::int64_t kFp32 = sizeof(float);

std::int64_t input_set_bytes(const Problem& problem) {
  const std::int64_t elements =
      query_shape(problem).span_elements + 2 * key_value_shape(problem).span_elements;
  return elements * static_cast<std::int64_t>(size_bytes(problem.dtype));
}

std::int64_t lse_elements(const Problem& problem) { return problem.batch * problem.heads_q * problem.seq_q; }

std::int64_t out_element_bytes(const Problem& problem) {
  return static_cast<std::int64_t>(size_bytes(output_dtype(problem)));
}

// Place of the element with this index in [batch, heads, rows, head_dim] order, in elements from the first.
std::int64_t element_offset(const TensorShape& shape, std::int64_t index) {
  const std::int64_t row = index / shape.head_dim;
  const std::int64_t head = row / shape.rows;
  return head / shape.heads * shape.stride.batch + head % shape.heads * shape.stride.head +
         row % shape.rows * shape.stride.row + index % shape.head_dim;
}

}  // namespace

std::int64_t ProblemBuffers::input_sets(const Problem& problem, const DeviceInfo& info) {
  const std::int64_t set = input_set_bytes(problem);
  const std::int64_t wanted = std::min((2 * info.l2_bytes + set - 1) / set, kMaxSets);
  return std::max<std::int64_t>(std::min(wanted, info.free_memory_bytes / 4 / set), 1);
}

std::int64_t ProblemBuffers::required_bytes(const Problem& problem, const DeviceInfo& info,
                                            const CheckDevice& device) {
  const TensorShape query = query_shape(problem);
  const std::int64_t inputs = input_sets(problem, info) * input_set_bytes(problem);
  const std::int64_t out = query.span_elements * out_element_bytes(problem);
  const std::int64_t references = 2 * kFp32 * query.elements();  // the reference and the unfused attention
  return inputs + out + references + device.reference_scratch_bytes(attention_args(problem)) +
         2 * kFp32 * lse_elements(problem);
}

ProblemBuffers::ProblemBuffers(const Problem& problem, CheckDevice& device)
    : problem_(problem),
      device_(device),
      out_(device, query_shape(problem).span_elements, out_element_bytes(problem)),
      lse_(device, lse_elements(problem), kFp32),
      reference_out_(device.allocate(kFp32 * query_shape(problem).elements())),
      reference_lse_(device.allocate(kFp32 * lse_elements(problem))) {}

ProblemBuffers::ProblemBuffers(const Problem& problem, std::uint64_t seed, kernels::InputKind kind,
                               CheckDevice& device)
    : ProblemBuffers(problem, device) {
  seed_ = seed;
  kind_ = kind;
  make_input_sets(1);
  run_reference();
}

ProblemBuffers::ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device)
    : ProblemBuffers(problem, device) {
  inputs_.push_back(allocate_set());
  const std::vector<InputTensorFill> fills = fills_of(inputs_.front(), 0, 0);
  device_.write_input(fills[0], inputs.q);
  device_.write_input(fills[1], inputs.k);
  device_.write_input(fills[2], inputs.v);
  run_reference();
}

ProblemBuffers::InputSet ProblemBuffers::allocate_set() const {
  const auto allocate = [&](const TensorShape& shape) {
    const auto element = static_cast<std::int64_t>(size_bytes(problem_.dtype));
    Input input{.elements = device_.allocate(shape.span_elements * element), .descale = {}};
    if (traits(problem_.dtype).scaled)
      input.descale = device_.allocate(kFp32 * problem_.batch * problem_.heads_kv);
    return input;
  };
  return {.q = allocate(query_shape(problem_)),
          .k = allocate(key_value_shape(problem_)),
          .v = allocate(key_value_shape(problem_))};
}

std::vector<InputTensorFill> ProblemBuffers::fills_of(const InputSet& set, std::uint64_t seed,
                                                      std::uint32_t index) const {
  const auto fill = [&](const Input& input, InputTensor tensor, const TensorShape& shape) {
    return InputTensorFill{.elements = input.elements.data(),
                           .descale = input.descale.as<float>(),
                           .shape = shape,
                           .heads_kv = problem_.heads_kv,
                           .dtype = problem_.dtype,
                           .tensor = tensor,
                           .kind = kind_,
                           .seed = seed,
                           .set = index};
  };
  return {fill(set.q, InputTensor::q, query_shape(problem_)),
          fill(set.k, InputTensor::k, key_value_shape(problem_)),
          fill(set.v, InputTensor::v, key_value_shape(problem_))};
}

void ProblemBuffers::make_input_sets(std::int64_t count) {
  for (auto set = static_cast<std::int64_t>(inputs_.size()); set < count; ++set) {
    inputs_.push_back(allocate_set());
    refill(set, seed_);
  }
}

void ProblemBuffers::refill(std::int64_t set, std::uint64_t seed) {
  const InputSet& inputs = inputs_[static_cast<std::size_t>(set)];
  for (const InputTensorFill& fill : fills_of(inputs, seed, static_cast<std::uint32_t>(set))) {
    device_.fill_input(fill);
  }
}

std::string ProblemBuffers::input_hash() const {
  std::string all;
  for (const InputSet& set : inputs_) {
    for (const Input* input : {&set.q, &set.k, &set.v}) {
      all += device_.hash(input->elements.data(), input->elements.bytes());
      if (input->descale.data() != nullptr)
        all += device_.hash(input->descale.data(), input->descale.bytes());
    }
  }
  return all;
}

void ProblemBuffers::run_reference() {
  const std::int64_t count = query_shape(problem_).elements();
  auto* reference = reference_out_.as<float>();
  device_.run_reference(args(0), problem_.dtype, ReferenceKind::reference, reference,
                        reference_lse_.as<float>());
  const Memory unfused = device_.allocate(kFp32 * count);
  device_.run_reference(args(0), problem_.dtype, ReferenceKind::unfused, unfused.as<float>(), nullptr);
  unfused_error_ = error_norms(device_.compare_fp32(unfused.as<float>(), reference, count), count);
}

AttentionArgs ProblemBuffers::args(std::int64_t set) const {
  const InputSet& inputs = inputs_[static_cast<std::size_t>(set)];
  AttentionArgs arguments = attention_args(problem_);
  arguments.q = inputs.q.elements.data();
  arguments.k = inputs.k.elements.data();
  arguments.v = inputs.v.elements.data();
  arguments.q_descale = inputs.q.descale.as<float>();
  arguments.k_descale = inputs.k.descale.as<float>();
  arguments.v_descale = inputs.v.descale.as<float>();
  arguments.out = out_.data();
  arguments.lse = problem_.lse ? static_cast<float*>(lse_.data()) : nullptr;
  return arguments;
}

void* ProblemBuffers::workspace(std::int64_t bytes) {
  workspace_used_ = bytes;
  if (bytes == 0) return nullptr;
  if (bytes > workspace_.bytes()) {
    workspace_ = {};  // before the larger one takes its memory
    workspace_ = GuardedMemory(device_, (bytes + kFp32 - 1) / kFp32, kFp32);
    workspace_.poison();
  }
  return workspace_.data();
}

void ProblemBuffers::poison_outputs() {
  out_.poison();
  lse_.poison();
  if (workspace_.bytes() > 0) workspace_.poison();
}

std::string ProblemBuffers::output_hash() const { return out_.hash() + lse_.hash(); }

void ProblemBuffers::negate_values() {
  const Memory& v = inputs_.front().v.elements;
  device_.negate(v.data(), v.bytes(), static_cast<std::int64_t>(size_bytes(problem_.dtype)));
  device_.negate(reference_out_.data(), reference_out_.bytes(), kFp32);
}

Check ProblemBuffers::check_outputs(const CheckPolicy& policy) const {
  const TensorShape shape = query_shape(problem_);
  const DifferenceSums out =
      device_.compare(out_.data(), output_dtype(problem_), shape, reference_out_.as<float>());
  Observation seen{.error = error_norms(out, shape.elements()), .unwritten = out.unwritten};
  seen.out_of_bounds = out_.written_elements() - (shape.elements() - out.unwritten);
  std::int64_t lse_written = 0;
  if (problem_.lse) {
    const std::int64_t count = lse_elements(problem_);
    const DifferenceSums lse =
        device_.compare_fp32(static_cast<const float*>(lse_.data()), reference_lse_.as<float>(), count);
    seen.lse = error_norms(lse, count);
    seen.lse_unwritten = lse.unwritten;
    lse_written = count - lse.unwritten;
  }
  seen.out_of_bounds += lse_.written_elements() - lse_written;
  if (workspace_used_ > 0) seen.past_workspace = workspace_.written_beyond(workspace_used_);
  return judge(problem_, seen, unfused_error_, policy);
}

std::vector<float> ProblemBuffers::read_floats(const Memory& memory) const {
  std::vector<float> values(static_cast<std::size_t>(memory.bytes() / kFp32));
  device_.copy_out(std::as_writable_bytes(std::span(values)), memory.data());
  return values;
}

std::vector<float> ProblemBuffers::reference_out() const { return read_floats(reference_out_); }
std::vector<float> ProblemBuffers::reference_lse() const { return read_floats(reference_lse_); }

std::vector<float> ProblemBuffers::read_out() const {
  const TensorShape shape = query_shape(problem_);
  std::vector<std::uint16_t> bits(static_cast<std::size_t>(shape.span_elements));
  device_.copy_out(std::as_writable_bytes(std::span(bits)), out_.data());
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  kernels::visit_output_dtype(output_dtype(problem_), [&]<class T>(T) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto at = static_cast<std::size_t>(element_offset(shape, static_cast<std::int64_t>(i)));
      values[i] = to_float(T{bits[at]});
    }
  });
  return values;
}

std::vector<bool> ProblemBuffers::read_unwritten() const {
  const TensorShape shape = query_shape(problem_);
  std::vector<std::uint16_t> bits(static_cast<std::size_t>(shape.span_elements));
  device_.copy_out(std::as_writable_bytes(std::span(bits)), out_.data());
  std::vector<bool> unwritten(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < unwritten.size(); ++i) {
    const auto at = static_cast<std::size_t>(element_offset(shape, static_cast<std::int64_t>(i)));
    unwritten[i] = bits[at] == kernels::kPoison16;
  }
  return unwritten;
}

std::vector<float> ProblemBuffers::read_lse() const {
  if (!problem_.lse) return {};
  std::vector<float> values(static_cast<std::size_t>(lse_elements(problem_)));
  device_.copy_out(std::as_writable_bytes(std::span(values)), lse_.data());
  return values;
}

}  // namespace flashcore
