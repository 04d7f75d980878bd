#include "check/input_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace flashcore {
namespace {

using kernels::InputTensor;

constexpr std::int64_t kFp32 = sizeof(float);
constexpr std::string_view kTensorNames[] = {"Q", "K", "V"};

}  // namespace

InputSets::InputSet InputSets::allocate() const {
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

std::vector<InputTensorFill> InputSets::fills_of(const InputSet& set, std::uint64_t seed,
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

void InputSets::make(std::int64_t count, std::uint64_t seed, kernels::InputKind kind) {
  seed_ = seed;
  kind_ = kind;
  for (std::int64_t set = size(); set < count; ++set) {
    sets_.push_back(allocate());
    refill(set, seed);
  }
}

void InputSets::make_chosen(const ChosenInputs& inputs) {
  sets_.push_back(allocate());
  const std::vector<InputTensorFill> fills = fills_of(sets_.front(), 0, 0);
  device_.write_input(fills[0], inputs.q);
  device_.write_input(fills[1], inputs.k);
  device_.write_input(fills[2], inputs.v);
}

void InputSets::refill(std::int64_t set, std::uint64_t seed) {
  const InputSet& inputs = sets_[static_cast<std::size_t>(set)];
  for (const InputTensorFill& fill : fills_of(inputs, seed, static_cast<std::uint32_t>(set))) {
    device_.fill_input(fill);
  }
  remembered_.clear();
}

void InputSets::scramble() {
  for (std::int64_t set = 0; set < size(); ++set) scramble(set, true);
}

void InputSets::scramble(std::int64_t set, bool change) {
  const InputSet& inputs = sets_[static_cast<std::size_t>(set)];
  const MemoryRegion regions[] = {{inputs.q.elements.data(), inputs.q.elements.bytes()},
                                  {inputs.k.elements.data(), inputs.k.elements.bytes()},
                                  {inputs.v.elements.data(), inputs.v.elements.bytes()}};
  device_.scramble(regions, problem_.dtype, change);
  if (!change) return;
  scrambled_ = true;
  remembered_.clear();
}

void InputSets::restore() {
  for (std::int64_t set = 0; set < size(); ++set) refill(set, seed_);
  scrambled_ = false;
}

std::vector<std::uint64_t> InputSets::fingerprints() const {
  std::vector<MemoryRegion> regions;
  for (const InputSet& set : sets_) {
    for (const Input* input : {&set.q, &set.k, &set.v}) {
      regions.push_back({input->elements.data(), input->elements.bytes()});
      regions.push_back({input->descale.data(), input->descale.bytes()});
    }
  }
  const std::vector<std::uint64_t> of_region = device_.fingerprints(regions);
  std::vector<std::uint64_t> of_tensor;
  for (std::size_t i = 0; i < of_region.size(); i += 2)
    of_tensor.push_back(of_region[i] ^ (of_region[i + 1] << 1 | of_region[i + 1] >> 63));
  return of_tensor;
}

void InputSets::remember() {
  if (remembered_.empty() || std::ssize(remembered_) != 3 * size()) remembered_ = fingerprints();
}

std::string InputSets::changed() const {
  const std::vector<std::uint64_t> now = fingerprints();
  bool tensor_changed[3] = {};
  for (std::size_t i = 0; i < now.size(); ++i) tensor_changed[i % 3] |= now[i] != remembered_[i];
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < 3; ++i) {
    if (tensor_changed[i]) names.push_back(kTensorNames[i]);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string InputSets::hash() const {
  std::string all;
  for (const std::uint64_t one : fingerprints()) all += fmt::format("{:016x}", one);
  return all;
}

bool InputSets::can_swap() const { return !problem_.head_dim_v || *problem_.head_dim_v == problem_.head_dim; }

void InputSets::point(AttentionArgs& args, InputView view) const {
  const InputSet& set = sets_[static_cast<std::size_t>(view.set)];
  const Input& k = view.swapped ? set.v : set.k;
  const Input& v = view.swapped ? set.k : set.v;
  args.q = set.q.elements.data();
  args.k = k.elements.data();
  args.v = v.elements.data();
  args.q_descale = set.q.descale.as<float>();
  args.k_descale = k.descale.as<float>();
  args.v_descale = v.descale.as<float>();
}

}  // namespace flashcore
