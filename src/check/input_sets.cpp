#include "check/input_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>

namespace flashcore {
namespace {

using kernels::InputTensor;

constexpr std::int64_t kFp32 = sizeof(float);
constexpr std::string_view kTensorNames[] = {"Q", "K", "V"};

MemoryRegion region_of(const Memory& memory) { return {memory.data(), memory.bytes()}; }

void* advance(void* data, std::int64_t bytes) { return static_cast<std::byte*>(data) + bytes; }

// Splits a fill. Heads or batches in the same memory are filled one after the other, all with the same values
// and factors. Batches that lie far apart are also filled one after the other, each with other values.
std::vector<InputTensorFill> split(const InputTensorFill& whole) {
  const TensorShape& shape = whole.shape;
  const bool splits_heads = shape.stride.head == 0;
  if (!splits_heads && shape.stride.batch != 0 && memory_ranges(shape).size() == 1) return {whole};
  const std::int64_t heads = splits_heads ? shape.heads : 1;
  std::vector<InputTensorFill> fills;
  for (std::int64_t batch = 0; batch < shape.batch; ++batch) {
    for (std::int64_t head = 0; head < heads; ++head) {
      InputTensorFill& fill = fills.emplace_back(whole);
      const std::int64_t first = batch * shape.stride.batch + head * shape.stride.head;
      fill.elements = advance(whole.elements, first * static_cast<std::int64_t>(size_bytes(whole.dtype)));
      fill.heads_kv /= heads;
      if (fill.descale != nullptr) fill.descale += batch * whole.heads_kv + head * fill.heads_kv;
      fill.shape.batch = 1;
      fill.shape.heads /= heads;
      fill.shape.span_elements =
          (fill.shape.heads - 1) * shape.stride.head + (shape.rows - 1) * shape.stride.row + shape.head_dim;
      if (shape.stride.batch != 0) fill.seed += static_cast<std::uint64_t>(batch);
    }
  }
  return fills;
}

}  // namespace

InputSets::InputSet InputSets::allocate() const {
  const auto allocate = [&](const TensorShape& shape) {
    const auto element = static_cast<std::int64_t>(size_bytes(problem_.dtype));
    Input input{.elements = device_.allocate(shape.span_elements * element), .descale = {}};
    if (shape.stride.head == 0 || shape.stride.batch == 0) {  // most of this memory belongs to no element
      device_.poison(input.elements.data(), input.elements.bytes() / 4 * 4);
    }
    if (traits(problem_.dtype).scaled)
      input.descale = device_.allocate(kFp32 * problem_.batch * problem_.heads_kv);
    return input;
  };
  return {.q = allocate(query_shape(problem_)),
          .k = allocate(key_shape(problem_)),
          .v = allocate(value_shape(problem_))};
}

std::array<std::vector<InputTensorFill>, 3> InputSets::fills_of(const InputSet& set, std::uint64_t seed,
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
  return {split(fill(set.q, InputTensor::q, query_shape(problem_))),
          split(fill(set.k, InputTensor::k, key_shape(problem_))),
          split(fill(set.v, InputTensor::v, value_shape(problem_)))};
}

std::vector<MemoryRegion> InputSets::regions_of(const Input& input, const TensorShape& shape) const {
  const auto element = static_cast<std::int64_t>(size_bytes(problem_.dtype));
  std::vector<MemoryRegion> regions;
  for (const ElementRange& range : memory_ranges(shape)) {
    regions.push_back({advance(input.elements.data(), range.first * element), range.count * element});
  }
  return regions;
}

std::vector<MemoryRegion> InputSets::regions_of(const InputSet& set, int tensor) const {
  if (tensor == 0) return regions_of(set.q, query_shape(problem_));
  return regions_of(tensor == 1 ? set.k : set.v, key_shape(problem_));
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
  const auto fills = fills_of(sets_.front(), 0, 0);
  const std::vector<float>* const values[] = {&inputs.q, &inputs.k, &inputs.v};
  for (std::size_t tensor = 0; tensor < fills.size(); ++tensor) {
    std::span<const float> rest(*values[tensor]);
    for (const InputTensorFill& fill : fills[tensor]) {
      const auto count = static_cast<std::size_t>(fill.shape.elements());
      device_.write_input(fill, rest.first(count));
      rest = rest.subspan(count);
    }
  }
}

void InputSets::refill(std::int64_t set, std::uint64_t seed) {
  const InputSet& inputs = sets_[static_cast<std::size_t>(set)];
  for (const auto& fills : fills_of(inputs, seed, static_cast<std::uint32_t>(set))) {
    for (const InputTensorFill& fill : fills) device_.fill_input(fill);
  }
  remembered_.clear();
}

void InputSets::scramble(std::int64_t count, bool change) {
  std::vector<MemoryRegion> regions;
  for (const InputSet& set : std::span(sets_).first(static_cast<std::size_t>(count))) {
    for (const int tensor : {0, 1, 2})
      std::ranges::copy(regions_of(set, tensor), std::back_inserter(regions));
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

std::vector<std::uint64_t> InputSets::fingerprints(std::int64_t count) const {
  std::vector<MemoryRegion> regions;
  std::vector<std::size_t> ends;  // of each tensor's regions
  for (const InputSet& set : std::span(sets_).first(static_cast<std::size_t>(count))) {
    const Input* const inputs[] = {&set.q, &set.k, &set.v};
    for (const int tensor : {0, 1, 2}) {
      std::ranges::copy(regions_of(set, tensor), std::back_inserter(regions));
      if (const Memory& descale = inputs[tensor]->descale; descale.bytes() > 0) {
        regions.push_back(region_of(descale));
      }
      ends.push_back(regions.size());
    }
  }
  const std::vector<std::uint64_t> sums = device_.fingerprints(regions);
  std::vector<std::uint64_t> of_tensor;
  std::size_t next = 0;
  for (const std::size_t end : ends) {
    std::uint64_t& sum = of_tensor.emplace_back(0);
    for (; next < end; ++next) sum = std::rotl(sum, 1) ^ sums[next];
  }
  return of_tensor;
}

void InputSets::remember(std::int64_t count) {
  if (std::ssize(remembered_) != 3 * count) remembered_ = fingerprints(count);
}

std::string InputSets::changed() const {
  const std::vector<std::uint64_t> now = fingerprints(std::ssize(remembered_) / 3);
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
  for (const std::uint64_t one : fingerprints(size())) all += fmt::format("{:016x}", one);
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
