#include "check/cpu_problem.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "kernels/reference/difference.hpp"

namespace flashcore {
namespace {

using kernels::DifferenceSums;
using kernels::InputSource;
using kernels::InputTensor;

constexpr std::int64_t kFp32 = sizeof(float);

std::int64_t input_set_bytes(const Problem& problem) {
  const std::int64_t elements =
      query_shape(problem).span_elements + 2 * key_value_shape(problem).span_elements;
  return elements * static_cast<std::int64_t>(size_bytes(problem.dtype));
}

std::int64_t lse_elements(const Problem& problem) { return problem.batch * problem.heads_q * problem.seq_q; }

// Sums over [0, count) in chunks, merged in order so that the result does not depend on the threads.
template <class Add>
DifferenceSums sum_differences(std::int64_t count, std::int64_t chunk, Add add) {
  std::vector<DifferenceSums> partial((count + chunk - 1) / chunk);
#pragma omp parallel for
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(partial.size()); ++c) {
    for (std::int64_t i = c * chunk; i < std::min(count, (c + 1) * chunk); ++i) add(partial[c], i);
  }
  DifferenceSums sums;
  for (const DifferenceSums& part : partial) merge(sums, part);
  return sums;
}

constexpr std::int64_t kChunkElements = 1 << 14;

// Bits of the element with this index in [batch, heads, rows, head_dim] order.
std::uint16_t element_bits(const std::uint16_t* tensor, const TensorShape& shape, std::int64_t i) {
  const std::int64_t row = i / shape.head_dim;
  const std::int64_t head = row / shape.rows;
  return kernels::row_pointer(tensor, shape.stride, head / shape.heads, head % shape.heads,
                              row % shape.rows)[i % shape.head_dim];
}

// A strided tensor of dtype against a contiguous reference.
DifferenceSums compare_tensor(const std::uint16_t* tensor, const TensorShape& shape, Dtype dtype,
                              const float* reference) {
  return kernels::visit_output_dtype(dtype, [&]<class T>(T) {
    return sum_differences(shape.elements(), kChunkElements, [&](DifferenceSums& sums, std::int64_t i) {
      const std::uint16_t bits = element_bits(tensor, shape, i);
      add_difference(sums, to_float(T{bits}), reference[i], bits == kernels::kPoison16, i);
    });
  });
}

DifferenceSums compare_fp32(const std::uint32_t* values, const float* reference, std::int64_t count) {
  return sum_differences(count, kChunkElements, [&](DifferenceSums& sums, std::int64_t i) {
    add_difference(sums, std::bit_cast<float>(values[i]), reference[i], values[i] == kernels::kPoison32, i);
  });
}

}  // namespace

std::int64_t CpuProblem::input_sets(const Problem& problem, const DeviceInfo& device) {
  const std::int64_t set = input_set_bytes(problem);
  const std::int64_t wanted = std::min((2 * device.l2_bytes + set - 1) / set, kMostSets);
  return std::max<std::int64_t>(std::min(wanted, device.free_memory_bytes / 4 / set), 1);
}

std::int64_t CpuProblem::required_bytes(const Problem& problem, const DeviceInfo& device) {
  const TensorShape query = query_shape(problem);
  const std::int64_t inputs = input_sets(problem, device) * input_set_bytes(problem);
  const std::int64_t out = query.span_elements * static_cast<std::int64_t>(size_bytes(output_dtype(problem)));
  const std::int64_t references = 2 * kFp32 * query.elements();  // reference and yardstick
  const std::int64_t head_buffers = 2 * kFp32 * problem.seq_kv * problem.head_dim;
  const std::int64_t row_scratch = kFp32 * device.limits.num_sms * (problem.seq_kv + problem.head_dim);
  return inputs + out + references + head_buffers + row_scratch + 2 * kFp32 * lse_elements(problem);
}

CpuProblem::CpuProblem(const Problem& problem)
    : problem_(problem),
      out_(query_shape(problem).span_elements),
      lse_(lse_elements(problem)),
      reference_out_(query_shape(problem).elements()),
      reference_lse_(lse_elements(problem)) {}

CpuProblem::CpuProblem(const Problem& problem, std::uint64_t seed, kernels::InputKind kind)
    : CpuProblem(problem) {
  seed_ = seed;
  kind_ = kind;
  make_input_sets(1);
  run_reference();
}

CpuProblem::CpuProblem(const Problem& problem, const ChosenInputs& inputs) : CpuProblem(problem) {
  const auto take = [&](const TensorShape& shape, InputTensor tensor, const std::vector<float>& values) {
    return make_cpu_input(shape, problem.heads_kv, input_source(shape, tensor, 0), values);
  };
  inputs_.push_back({.q = take(query_shape(problem), InputTensor::q, inputs.q),
                     .k = take(key_value_shape(problem), InputTensor::k, inputs.k),
                     .v = take(key_value_shape(problem), InputTensor::v, inputs.v)});
  run_reference();
}

InputSource CpuProblem::input_source(const TensorShape& shape, InputTensor tensor, std::int64_t set) const {
  return {.kind = kind_,
          .dtype = problem_.dtype,
          .tensor = tensor,
          .stream = kernels::random_stream(seed_, tensor, static_cast<std::uint32_t>(set)),
          .rows = shape.rows};
}

void CpuProblem::make_input_sets(std::int64_t count) {
  const auto make = [&](const TensorShape& shape, InputTensor tensor, std::int64_t set) {
    return make_cpu_input(shape, problem_.heads_kv, input_source(shape, tensor, set));
  };
  for (auto set = static_cast<std::int64_t>(inputs_.size()); set < count; ++set) {
    inputs_.push_back({.q = make(query_shape(problem_), InputTensor::q, set),
                       .k = make(key_value_shape(problem_), InputTensor::k, set),
                       .v = make(key_value_shape(problem_), InputTensor::v, set)});
  }
}

void CpuProblem::run_reference() try {
  const std::int64_t count = query_shape(problem_).elements();
  const HostBuffer<float> yardstick(count);
  kernels::reference_attention(args(0), problem_.dtype, reference_out_.data(), reference_lse_.data());
  kernels::yardstick_attention(args(0), problem_.dtype, yardstick.data());
  yardstick_ = error_norms(sum_differences(count, kChunkElements,
                                           [&](DifferenceSums& sums, std::int64_t i) {
                                             add_difference(sums, yardstick.data()[i],
                                                            reference_out_.data()[i], false, i);
                                           }),
                           count);
} catch (const std::bad_alloc&) {
  throw OutOfMemoryError("memory ran out while the reference was computed");
}

AttentionArgs CpuProblem::args(std::int64_t set) const {
  const InputSet& inputs = inputs_[static_cast<std::size_t>(set)];
  AttentionArgs arguments = attention_args(problem_);
  arguments.q = inputs.q.elements.data();
  arguments.k = inputs.k.elements.data();
  arguments.v = inputs.v.elements.data();
  arguments.q_descale = inputs.q.descale.data();
  arguments.k_descale = inputs.k.descale.data();
  arguments.v_descale = inputs.v.descale.data();
  arguments.out = out_.tensor();
  arguments.lse = problem_.lse ? reinterpret_cast<float*>(lse_.tensor()) : nullptr;
  return arguments;
}

void CpuProblem::poison_outputs() {
  out_.poison();
  lse_.poison();
}

std::string CpuProblem::output_hash() const {
  const auto hash = [](auto words) {
    const auto bytes = std::as_bytes(words);
    return hash_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  return hash(out_.words()) + hash(lse_.words());
}

void CpuProblem::negate_values() {
  negate(inputs_.front().v, problem_.dtype);
  for (float& value : reference_out_.span()) value = -value;
}

Check CpuProblem::check_outputs(const CheckPolicy& policy) const {
  const TensorShape shape = query_shape(problem_);
  const DifferenceSums out =
      compare_tensor(out_.tensor(), shape, output_dtype(problem_), reference_out_.data());
  Observation seen{.error = error_norms(out, shape.elements()), .unwritten = out.unwritten};
  seen.out_of_bounds = out_.written_elements() - (shape.elements() - out.unwritten);
  std::int64_t lse_written = 0;
  if (problem_.lse) {
    const std::int64_t count = lse_elements(problem_);
    const DifferenceSums lse = compare_fp32(lse_.tensor(), reference_lse_.data(), count);
    seen.lse = error_norms(lse, count);
    seen.lse_unwritten = lse.unwritten;
    lse_written = count - lse.unwritten;
  }
  seen.out_of_bounds += lse_.written_elements() - lse_written;
  return judge(problem_, seen, yardstick_, policy);
}

std::vector<float> CpuProblem::read_out() const {
  const TensorShape shape = query_shape(problem_);
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  kernels::visit_output_dtype(output_dtype(problem_), [&]<class T>(T) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = to_float(T{element_bits(out_.tensor(), shape, static_cast<std::int64_t>(i))});
    }
  });
  return values;
}

std::vector<float> CpuProblem::read_lse() const {
  if (!problem_.lse) return {};
  const auto* values = reinterpret_cast<const float*>(lse_.tensor());
  return {values, values + lse_elements(problem_)};
}

bool CpuProblem::is_unwritten(std::int64_t flat_index) const {
  return element_bits(out_.tensor(), query_shape(problem_), flat_index) == kernels::kPoison16;
}

}  // namespace flashcore
