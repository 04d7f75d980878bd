#include "check/input_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>

namespace flashcore {
namespace {

using kernels::InputTensor;

constexpr std::int64_t kFp32 = sizeof(float);
constexpr std::string_view kTensorNames[] = {"Q", "K", "V"};

MemoryRegion region_of(const Memory& memory) { return {memory.data(), memory.bytes()}; }

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

void InputSets::choose(const ChosenInputs& inputs) {
  if (sets_.empty()) sets_.push_back(allocate());
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

void InputSets::scramble() { scramble(sets_, true); }

void InputSets::scramble(std::int64_t set, bool change) {
  scramble(std::span(sets_).subspan(static_cast<std::size_t>(set), 1), change);
}

void InputSets::scramble(std::span<const InputSet> sets, bool change) {
  std::vector<MemoryRegion> regions;
  for (const InputSet& set : sets) {
    for (const Input* input : {&set.q, &set.k, &set.v}) regions.push_back(region_of(input->elements));
  }
  device_.scramble(regions, problem_.dtype, change);
  if (!change) return;
  scrambled_ = true;
  remembered_.clear();
}

void InputSets::restore_first() {
  if (!scrambled_) return;
  refill(0, seed_);
  scrambled_ = false;
}

void InputSets::restore() {
  for (std::int64_t set = 0; set < size(); ++set) refill(set, seed_);
  scrambled_ = false;
}

std::vector<std::uint64_t> InputSets::fingerprints() const {
  const bool scaled = traits(problem_.dtype).scaled;
  std::vector<MemoryRegion> regions;
  for (const InputSet& set : sets_) {
    for (const Input* input : {&set.q, &set.k, &set.v}) {
      regions.push_back(region_of(input->elements));
      if (scaled) regions.push_back(region_of(input->descale));
    }
  }
  const std::vector<std::uint64_t> sums = device_.fingerprints(regions);
  if (!scaled) return sums;
  std::vector<std::uint64_t> of_tensor;
  for (std::size_t i = 0; i < sums.size(); i += 2) of_tensor.push_back(sums[i] ^ std::rotl(sums[i + 1], 1));
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
