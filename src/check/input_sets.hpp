// Q, K and V of one problem on a device, in as many sets as timing rotates. Values change in place.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/check_device.hpp"
#include "kernels/common/inputs.hpp"

namespace flashcore {

// Inputs of the caller's choice: contiguous [batch, heads, rows, head_dim], scaled and rounded to the problem's dtype
// when they are taken.
struct ChosenInputs {
  std::vector<float> q, k, v;
};

// The inputs of one launch: an input set as it is, or with K and V in each other's place. Both have other results, and
// take the same memory.
struct InputView {
  std::int64_t set = 0;
  bool swapped = false;
};

class InputSets {
 public:
  // `problem` and `device` must outlive the sets.
  InputSets(const Problem& problem, CheckDevice& device) : problem_(problem), device_(device) {}

  std::int64_t size() const { return static_cast<std::int64_t>(sets_.size()); }

  // Makes sets of seeded values up to `count`; does nothing when there are as many.
  void make(std::int64_t count, std::uint64_t seed, kernels::InputKind kind);
  // Puts chosen values into the only set; makes it if there is none.
  void choose(const ChosenInputs& inputs);

  // Other values of the same kind at the same addresses. The kind of make().
  void refill(std::int64_t set, std::uint64_t seed);

  // Other signs and fractions for every element of the first `count` sets, other ones at each call; refill() restores.
  // Without `change` memory is read and written in the same way and keeps its values.
  void scramble(std::int64_t count, bool change = true);

  // Puts the seeded values of make() back into set 0 if it was scrambled.
  void restore_first();
  // Puts them back into all sets.
  void restore();

  // Remembers the values of the first `count` sets as they are; changed() then names the tensors that have changed
  // since: "K, V".
  void remember(std::int64_t count);
  std::string changed() const;

  // Hash of every bit of all sets, gaps and factors included.
  std::string hash() const;

  // K and V have the same shape and dtype, so that they can stand in each other's place.
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
  // Of Q, K and V of a set; together they write each tensor in the order of its elements.
  std::array<std::vector<InputTensorFill>, 3> fills_of(const InputSet& set, std::uint64_t seed,
                                                       std::uint32_t index) const;
  // Of one tensor: 0 is Q, 1 is K, 2 is V.
  std::vector<MemoryRegion> regions_of(const InputSet& set, int tensor) const;
  std::vector<MemoryRegion> regions_of(const Input& input, const TensorShape& shape) const;
  // Of Q, K and V of each of the first `count` sets in turn, elements with factors.
  std::vector<std::uint64_t> fingerprints(std::int64_t count) const;

  const Problem& problem_;
  CheckDevice& device_;
  std::uint64_t seed_ = 0;
  kernels::InputKind kind_ = kernels::InputKind::normal;
  std::vector<InputSet> sets_;
  bool scrambled_ = false;  // set 0; the others have no reference
  std::vector<std::uint64_t> remembered_;
};

}  // namespace flashcore
