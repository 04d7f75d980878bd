#include "check/input_sets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>

#include "check/input_fills.hpp"

namespace flashcore {
namespace {

using kernels::InputTensor;

constexpr std::int64_t kFp32 = sizeof(float);
constexpr std::string_view kTensorNames[] = {"Q", "K", "V"};
constexpr int kFiniteByte = 0x44;  // elements of it are 4.27 in fp16, 785 in bf16 and 3 in e4m3
constexpr std::string_view kIndexNames = "its lengths, pages or sinks";

MemoryRegion region_of(const Memory& memory) { return {memory.data(), memory.bytes()}; }

}  // namespace

InputSets::InputSets(const Problem& problem, CheckDevice& device)
    : problem_(problem), device_(device), sequences_(problem, device) {}

std::array<InputSets::Tensor, 3> InputSets::tensors() const {
  const Dtype kv_dtype = key_value_dtype(problem_);
  return {Tensor{InputTensor::q, query_shape(problem_), problem_.dtype},
          Tensor{InputTensor::k, key_shape(problem_), kv_dtype},
          Tensor{InputTensor::v, value_shape(problem_), kv_dtype}};
}

InputSets::InputSet InputSets::allocate() const {
  InputSet set;
  std::size_t next = 0;
  for (const Tensor& tensor : tensors()) {
    Input& input = set[next++];
    input.elements = device_.allocate(tensor.shape.span_elements * tensor.element_bytes());
    // Most of this memory may belong to no element.
    if (!is_rectangular(problem_) || tensor.shape.stride.head == 0 || tensor.shape.stride.batch == 0) {
      fill_unused(input.elements);
    }
    if (!traits(tensor.dtype).scaled) continue;
    const std::vector<float> ones(static_cast<std::size_t>(problem_.batch * problem_.heads_kv), 1.0f);
    input.descale = device_.allocate(kFp32 * std::ssize(ones));
    device_.copy_in(input.descale.data(), std::as_bytes(std::span(ones)));
  }
  return set;
}

std::vector<InputTensorFill> InputSets::fills_of(const Input& input, const Tensor& tensor, std::uint64_t seed,
                                                 std::uint32_t index) const {
  return split_fill({.elements = input.elements.data(),
                     .descale = input.descale.as<float>(),
                     .shape = tensor.shape,
                     .heads_kv = problem_.heads_kv,
                     .dtype = tensor.dtype,
                     .tensor = tensor.tensor,
                     .kind = kind_,
                     .seed = seed,
                     .set = index});
}

std::vector<MemoryRegion> InputSets::regions_of(const Input& input, const Tensor& tensor) const {
  const std::int64_t element = tensor.element_bytes();
  std::vector<MemoryRegion> regions;
  for (const ElementRange& range : memory_ranges(tensor.shape)) {
    regions.push_back({advance(input.elements.data(), range.first * element), range.count * element});
  }
  return regions;
}

void InputSets::make(std::int64_t count, std::uint64_t seed, kernels::InputKind kind) {
  seed_ = seed;
  kind_ = kind;
  if (sets_.empty()) {
    if (problem_.sinks) sinks_ = seeded_sinks(problem_, seed, kind);
    sequences_.write_sinks(sinks_);
  }
  for (std::int64_t set = size(); set < count; ++set) {
    sets_.push_back(allocate());
    refill(set, seed);
  }
}

void InputSets::choose(const ChosenInputs& inputs) {
  if (sets_.empty()) sets_.push_back(allocate());
  is_chosen_ = true;
  sinks_ = inputs.sinks;
  sinks_.resize(problem_.sinks ? static_cast<std::size_t>(problem_.heads_q) : 0);
  sequences_.write_lengths();
  sequences_.write_sinks(sinks_);
  const std::vector<float>* const values[] = {&inputs.q, &inputs.k, &inputs.v};
  std::size_t next = 0;
  for (const Tensor& tensor : tensors()) {
    std::span<const float> rest(*values[next]);
    const auto write = [&](const InputTensorFill& fill) {
      const auto count = static_cast<std::size_t>(fill.shape.elements());
      device_.write_input(fill, rest.first(count));
      rest = rest.subspan(count);
    };
    const Input& input = sets_.front()[next++];
    if (!is_rectangular(problem_)) {
      write_sequences(input, tensor, 0, 0, write);
    } else {
      for (const InputTensorFill& fill : fills_of(input, tensor, 0, 0)) write(fill);
    }
  }
}

void InputSets::fill_unused(const Memory& memory) const {
  const int byte = unused_rows_ == UnusedRows::finite ? kFiniteByte : kNanByte;
  device_.fill_with_byte(memory.data(), memory.bytes(), byte);
}

void InputSets::set_unused_rows(UnusedRows rows) {
  if (rows == unused_rows_ || is_rectangular(problem_) || is_chosen_) return;
  unused_rows_ = rows;
  restore();
}

void InputSets::refill(std::int64_t set, std::uint64_t seed) {
  const InputSet& inputs = sets_[static_cast<std::size_t>(set)];
  const auto write = [&](const InputTensorFill& fill) { device_.fill_input(fill); };
  const auto index = static_cast<std::uint32_t>(set);
  std::size_t next = 0;
  for (const Tensor& tensor : tensors()) {
    const Input& input = inputs[next++];
    if (!is_rectangular(problem_)) {
      write_sequences(input, tensor, seed, index, write);
    } else {
      for (const InputTensorFill& fill : fills_of(input, tensor, seed, index)) write(fill);
    }
  }
  remembered_.clear();
}

std::vector<std::int64_t> InputSets::rows_of(const Tensor& tensor, std::int64_t sequence) const {
  return tensor.tensor == InputTensor::q ? query_offsets(problem_, plan(), sequence, tensor.shape)
                                         : key_offsets(problem_, plan(), sequence, tensor.shape);
}

void* InputSets::staging(std::size_t tensor) {
  Memory& memory = staging_[tensor];
  if (memory.bytes() == 0) {
    const Tensor of = tensors()[tensor];
    const std::int64_t rows = tensor == 0 ? problem_.seq_q : problem_.seq_kv;
    memory = device_.allocate(of.shape.heads * rows * of.shape.head_dim * of.element_bytes());
  }
  return memory.data();
}

void InputSets::write_sequences(const Input& input, const Tensor& tensor, std::uint64_t seed,
                                std::uint32_t index,
                                const std::function<void(const InputTensorFill&)>& write) {
  fill_unused(input.elements);
  for (std::int64_t sequence = 0; sequence < problem_.batch; ++sequence) {
    const std::vector<std::int64_t> rows = rows_of(tensor, sequence);
    if (rows.empty()) continue;
    const TensorShape shape = contiguous_shape(tensor.shape, std::ssize(rows));
    void* const staged = staging(static_cast<std::size_t>(tensor.tensor) - 1);
    float* const descale = input.descale.as<float>();
    write({.elements = staged,
           .descale = descale == nullptr ? nullptr : descale + sequence * problem_.heads_kv,
           .shape = shape,
           .heads_kv = problem_.heads_kv,
           .dtype = tensor.dtype,
           .tensor = tensor.tensor,
           .kind = kind_,
           .seed = seed + static_cast<std::uint64_t>(sequence),
           .set = index});
    std::vector<RowMove> moves = reversed(row_moves(tensor.shape, rows, tensor.element_bytes()));
    if (problem_.kv.is_paged() && tensor.tensor != InputTensor::q)
      keep_written(moves, problem_, plan(), sequence);
    device_.move_rows(input.elements.data(), staged, moves, shape.head_dim * tensor.element_bytes());
  }
}

AttentionArgs InputSets::gather(const AttentionArgs& args, std::int64_t sequence) {
  const SequenceRows& rows = plan().sequences[static_cast<std::size_t>(sequence)];
  AttentionArgs one = args;
  const void** const pointers[] = {&one.q, &one.k, &one.v};
  Strides* const strides[] = {&one.q_stride, &one.kv.k, &one.kv.v};
  std::size_t next = 0;
  for (const Tensor& tensor : tensors()) {
    const std::vector<std::int64_t> places = rows_of(tensor, sequence);
    const TensorShape shape = contiguous_shape(tensor.shape, std::ssize(places));
    void* const staged = staging(next);
    device_.move_rows(staged, *pointers[next], row_moves(tensor.shape, places, tensor.element_bytes()),
                      shape.head_dim * tensor.element_bytes());
    *pointers[next] = staged;
    *strides[next++] = shape.stride;
  }
  one.sequences = {.batch = 1, .seq_q = rows.queries, .seq_kv = rows.keys};
  one.kv = {.k = one.kv.k, .v = one.kv.v};
  for (const float** factors : {&one.q_descale, &one.k_descale, &one.v_descale}) {
    if (*factors != nullptr) *factors += sequence * problem_.heads_kv;
  }
  one.out = nullptr;
  one.lse = nullptr;
  one.workspace = nullptr;
  return one;
}

void InputSets::scramble(std::int64_t count, bool change) {
  std::size_t next = 0;
  for (const Tensor& tensor : tensors()) {
    std::vector<MemoryRegion> regions;
    for (const InputSet& set : std::span(sets_).first(static_cast<std::size_t>(count))) {
      std::ranges::copy(regions_of(set[next], tensor), std::back_inserter(regions));
    }
    device_.scramble(regions, tensor.dtype, change);
    ++next;
  }
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
  sequences_.write_lengths();
  sequences_.write_sinks(sinks_);
  for (std::int64_t set = 0; set < size(); ++set) refill(set, seed_);
  scrambled_ = false;
}

std::vector<std::uint64_t> InputSets::fingerprints(std::int64_t count) const {
  std::vector<MemoryRegion> regions;
  std::vector<std::size_t> ends;  // of each tensor's regions
  for (const InputSet& set : std::span(sets_).first(static_cast<std::size_t>(count))) {
    std::size_t next = 0;
    for (const Tensor& tensor : tensors()) {
      const Input& input = set[next++];
      std::ranges::copy(regions_of(input, tensor), std::back_inserter(regions));
      if (input.descale.bytes() > 0) regions.push_back(region_of(input.descale));
      ends.push_back(regions.size());
    }
  }
  std::ranges::copy(sequences_.regions(), std::back_inserter(regions));
  ends.push_back(regions.size());
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
  if (std::ssize(remembered_) != 3 * count + 1) remembered_ = fingerprints(count);
}

std::string InputSets::changed() const {
  if (remembered_.empty()) return "";
  const std::vector<std::uint64_t> now = fingerprints(std::ssize(remembered_) / 3);
  bool tensor_changed[3] = {};
  for (std::size_t i = 0; i + 1 < now.size(); ++i) tensor_changed[i % 3] |= now[i] != remembered_[i];
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < 3; ++i) {
    if (tensor_changed[i]) names.push_back(kTensorNames[i]);
  }
  if (now.back() != remembered_.back()) names.push_back(kIndexNames);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string InputSets::hash() const {
  std::string all;
  for (const std::uint64_t one : fingerprints(size())) all += fmt::format("{:016x}", one);
  return all;
}

bool InputSets::can_swap() const { return value_columns(problem_) == problem_.head_dim; }

void InputSets::point(AttentionArgs& args, InputView view) const {
  const InputSet& set = sets_[static_cast<std::size_t>(view.set)];
  const Input& q = set[0];
  const Input& k = set[view.swapped ? 2 : 1];
  const Input& v = set[view.swapped ? 1 : 2];
  args.q = q.elements.data();
  args.k = k.elements.data();
  args.v = v.elements.data();
  args.q_descale = q.descale.as<float>();
  args.k_descale = k.descale.as<float>();
  args.v_descale = v.descale.as<float>();
  sequences_.point(args);
}

}  // namespace flashcore
