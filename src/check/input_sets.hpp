// Q, K and V of one problem on a device. There are as many sets as timing rotates. Values change in place.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/check_device.hpp"
#include "kernels/common/inputs.hpp"

namespace flashcore {

// Inputs that the caller chooses: contiguous [batch, heads, rows, head_dim]. choose() scales and rounds them
// to the problem's dtype.
struct ChosenInputs {
  std::vector<float> q, k, v;
};

// The inputs of one launch: an input set, possibly with K and V exchanged. The two views give different
// results, but use the same memory.
struct InputView {
  std::int64_t set = 0;
  bool swapped = false;
};

class InputSets {
 public:
  // `problem` and `device` must outlive the sets.
  InputSets(const Problem& problem, CheckDevice& device) : problem_(problem), device_(device) {}

  std::int64_t size() const { return static_cast<std::int64_t>(sets_.size()); }

  // Makes sets of seeded values until there are `count`; does nothing if there are enough.
  void make(std::int64_t count, std::uint64_t seed, kernels::InputKind kind);
  // Writes chosen values into the only set. Makes the set if there is none.
  void choose(const ChosenInputs& inputs);

  // Writes other values at the same addresses, of the kind that make() was given.
  void refill(std::int64_t set, std::uint64_t seed);

  // Gives every element of the first `count` sets a new random sign and fraction at each call. refill()
  // restores the values. Without `change`, memory is read and written in the same way but keeps its values.
  void scramble(std::int64_t count, bool change = true);

  // Restores the seeded values of make() in set 0 if it was scrambled.
  void restore_first();
  // Restores them in all sets.
  void restore();

  // Remembers the current values of the first `count` sets. changed() names the tensors that have changed
  // since then: "K, V".
  void remember(std::int64_t count);
  std::string changed() const;

  // Hash of every bit of all sets, gaps and factors included.
  std::string hash() const;

  // K and V have the same shape and dtype, so that they can be exchanged.
  bool can_swap() const;
  // Sets the pointers of q, k, v and their factors.
  void point(AttentionArgs& args, InputView view) const;

 private:
  struct Input {
    Memory elements;
    Memory descale;  // empty unless the dtype is scaled
  };
  struct InputSet {
    Input q, k, v;
  };

  InputSet allocate() const;
  // The fills of Q, K and V of a set. The fills of a tensor write it in the order of its elements.
  std::array<std::vector<InputTensorFill>, 3> fills_of(const InputSet& set, std::uint64_t seed,
                                                       std::uint32_t index) const;
  // The memory of one tensor: 0 is Q, 1 is K, 2 is V.
  std::vector<MemoryRegion> regions_of(const InputSet& set, int tensor) const;
  std::vector<MemoryRegion> regions_of(const Input& input, const TensorShape& shape) const;
  // One per tensor, for elements and factors: Q, K and V of each of the first `count` sets.
  std::vector<std::uint64_t> fingerprints(std::int64_t count) const;

  const Problem& problem_;
  CheckDevice& device_;
  std::uint64_t seed_ = 0;
  kernels::InputKind kind_ = kernels::InputKind::normal;
  std::vector<InputSet> sets_;
  bool scrambled_ = false;  // set 0; the other sets have no reference
  std::vector<std::uint64_t> remembered_;
};

}  // namespace flashcore
