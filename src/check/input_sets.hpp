// Q, K and V of one problem on a device, and its lengths, pages and sinks. There are as many sets of Q, K and V as timing
// rotates. Values change in place.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/check_device.hpp"
#include "check/sequence_memory.hpp"
#include "kernels/common/inputs.hpp"

namespace flashcore {

// Inputs that the caller chooses: contiguous [batch, heads, rows, head_dim], where rows are those of each sequence.
// choose() scales and rounds them to the problem's dtypes.
struct ChosenInputs {
  std::vector<float> q, k, v;
  std::vector<float> sinks = {};  // [heads_q], of a problem with sinks; empty: all 0
};

// The inputs of one launch: an input set, possibly with K and V exchanged. The two views give different
// results, but use the same memory.
struct InputView {
  std::int64_t set = 0;
  bool swapped = false;
};

// What rows and pages hold that no sequence uses. Right kernels ignore NaN. Peers that are known to read such rows get
// finite values.
enum class UnusedRows : int { nan, finite };

class InputSets {
 public:
  // `problem` and `device` must outlive the sets.
  InputSets(const Problem& problem, CheckDevice& device);

  std::int64_t size() const { return static_cast<std::int64_t>(sets_.size()); }

  // Makes sets of seeded values until there are `count`; does nothing if there are enough.
  void make(std::int64_t count, std::uint64_t seed, kernels::InputKind kind);
  // Writes chosen values into the only set. Makes the set if there is none.
  void choose(const ChosenInputs& inputs);

  // Writes other values at the same addresses, of the kind that make() was given.
  void refill(std::int64_t set, std::uint64_t seed);

  // Restores the seeded values of all sets if their unused rows held something else.
  void set_unused_rows(UnusedRows rows);

  // Gives every element of the first `count` sets a new random sign and fraction at each call. refill()
  // restores the values. Without `change`, memory is read and written in the same way but keeps its values.
  void scramble(std::int64_t count, bool change = true);

  // Restores the seeded values of make() in set 0 if it was scrambled.
  void restore_first();
  // Restores them in all sets, with the lengths and pages of the problem as it is now.
  void restore();

  // Remembers the current values of the first `count` sets, lengths, pages and sinks. changed() names what has changed
  // since then: "K, V".
  void remember(std::int64_t count);
  std::string changed() const;

  // Hash of every bit of all sets, gaps and factors included.
  std::string hash() const;

  // K and V have the same shape and dtype, so that they can be exchanged.
  bool can_swap() const;
  // Sets the pointers of q, k, v and their factors, of lengths, pages and sinks.
  void point(AttentionArgs& args, InputView view) const;

  // The sequences of a problem that is not rectangular (is_rectangular()).
  const SequencePlan& plan() const { return sequences_.plan(); }
  // One per query head of a problem with sinks, else none.
  std::span<const float> sinks() const { return sinks_; }
  // The arguments of the attention of one sequence, which has its rows of `args` in contiguous memory until the next call.
  // The outputs are null.
  AttentionArgs gather(const AttentionArgs& args, std::int64_t sequence);

 private:
  struct Input {
    Memory elements;
    Memory descale;  // empty unless the dtype is scaled
  };
  using InputSet = std::array<Input, 3>;  // Q, K, V

  // What Q, K and V differ in.
  struct Tensor {
    kernels::InputTensor tensor;
    TensorShape shape;
    Dtype dtype;
    std::int64_t element_bytes() const { return static_cast<std::int64_t>(size_bytes(dtype)); }
  };
  std::array<Tensor, 3> tensors() const;

  InputSet allocate() const;
  // The fills of a tensor of a set, which write it in the order of its elements.
  std::vector<InputTensorFill> fills_of(const Input& input, const Tensor& tensor, std::uint64_t seed,
                                        std::uint32_t index) const;
  std::vector<MemoryRegion> regions_of(const Input& input, const Tensor& tensor) const;

  void fill_unused(const Memory& memory) const;

  // Writes the rows of all sequences. `write` fills the memory of one sequence.
  void write_sequences(const Input& input, const Tensor& tensor, std::uint64_t seed, std::uint32_t index,
                       const std::function<void(const InputTensorFill&)>& write);
  // The rows of a sequence in a tensor, without those of pages that another sequence writes.
  std::vector<std::int64_t> rows_of(const Tensor& tensor, std::int64_t sequence) const;
  // Contiguous memory for the longest sequence, one for each of Q, K and V.
  void* staging(std::size_t tensor);

  // One per tensor, for elements and factors: Q, K and V of each of the first `count` sets; then one for the lengths, pages and sinks.
  std::vector<std::uint64_t> fingerprints(std::int64_t count) const;

  const Problem& problem_;
  CheckDevice& device_;
  std::uint64_t seed_ = 0;
  kernels::InputKind kind_ = kernels::InputKind::normal;
  UnusedRows unused_rows_ = UnusedRows::nan;
  bool is_chosen_ = false;  // by choose()
  SequenceMemory sequences_;
  std::vector<float> sinks_;  // empty if the problem has none
  std::vector<InputSet> sets_;
  std::array<Memory, 3> staging_;
  bool scrambled_ = false;  // set 0; the other sets have no reference
  std::vector<std::uint64_t> remembered_;
};

}  // namespace flashcore
