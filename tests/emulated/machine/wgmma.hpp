// Warpgroup matrix products (PTX ISA, "Asynchronous warpgroup level matrix instructions"), a warp's 16 rows
// at a time.
//
// Products run when they are waited for. Until then their accumulators are poisoned. It throws when these, or
// the operands in registers or shared memory, have changed between issue and wait.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "emulated/machine/element.hpp"

namespace flashcore::emulated {

// One lane's part of a product d[64, n] (+)= a[64, depth] · b[depth, n]; its depth is 32 bytes of elements.
struct ProductLane {
  float* d;  // n / 2 registers
  int n;
  const std::uint32_t* a = nullptr;  // four registers, or null: by descriptor
  std::uint64_t a_descriptor = 0;
  std::uint64_t b_descriptor = 0;
  bool b_transposed = false;  // b is MN-major
  bool accumulate = false;
  ToFloat to_float = nullptr;
  int element_bytes = 2;

  int depth() const { return 32 / element_bytes; }
};

// A warp's products for which no wait has come.
struct WgmmaQueue {
  struct Operands {
    std::vector<std::uint16_t> a;  // [16, depth], an element each
    std::vector<std::uint16_t> b;  // [depth, n]
    bool operator==(const Operands&) const = default;
  };
  struct Accumulator {
    std::vector<float*> registers;  // of each lane
    std::vector<float> values;      // [16, n]
    int products = 0;               // in flight
  };
  struct Product {
    std::vector<ProductLane> lanes;
    int first_row;  // of this warp
    Operands operands;
  };
  bool fenced = false;
  std::map<float*, Accumulator> accumulators;  // by the first lane's registers
  std::vector<Product> issued;
  std::deque<std::vector<Product>> groups;
};

// By all lanes of a warp.
void wgmma_fence();
void wgmma_issue(const ProductLane& lane);
void wgmma_commit();
void wgmma_wait(int pending);

}  // namespace flashcore::emulated
