#include "emulated/machine/wgmma.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "emulated/machine/failure.hpp"
#include "emulated/machine/tensor_map.hpp"
#include "emulated/machine/warp.hpp"

namespace flashcore::emulated {
namespace {

constexpr int kRows = 16;  // of a warp
constexpr std::uint32_t kPoison = 0xFFFFFFFF;

WgmmaQueue& queue() { return current_thread().warp().products; }

// --- Operands

// PTX ISA, "Matrix descriptor format".
struct Descriptor {
  std::uint32_t start, leading_bytes, stride_bytes;

  explicit Descriptor(std::uint64_t bits)
      : start(field(bits)), leading_bytes(field(bits >> 16)), stride_bytes(field(bits >> 32)) {
    constexpr std::uint64_t kSwizzle128 = 1;
    if (bits >> 62 != kSwizzle128 || (bits >> 49 & 7) != 0) {
      fail("wgmma: a descriptor without the 128-byte swizzle or with a base offset is not emulated");
    }
  }
  static std::uint32_t field(std::uint64_t bits) { return static_cast<std::uint32_t>(bits & 0x3FFF) << 4; }
};

std::uint16_t element_at(std::uint32_t offset, int bytes) {
  const auto size = static_cast<std::uint32_t>(bytes);
  std::uint16_t bits = 0;
  std::memcpy(&bits, shared_at(swizzle_128(offset), size, size, "wgmma"), size);
  return bits;
}

// Element (row, k) of an operand whose rows run along M or N (PTX ISA, "Strides", K-major).
std::uint16_t k_major_element(const Descriptor& at, int row, int k, int bytes) {
  const std::uint32_t offset = static_cast<std::uint32_t>(row / 8) * at.stride_bytes +
                               static_cast<std::uint32_t>(row % 8 * 128 + k * bytes);
  return element_at(at.start + offset, bytes);
}

// Element (k, column) of an operand of two-byte elements whose rows run along K (MN-major).
std::uint16_t mn_major_element(const Descriptor& at, int k, int column) {
  const std::uint32_t offset = static_cast<std::uint32_t>(column / 64) * at.leading_bytes +
                               static_cast<std::uint32_t>(k / 8) * at.stride_bytes +
                               static_cast<std::uint32_t>(k % 8 * 128 + column % 64 * 2);
  return element_at(at.start + offset, 2);
}

// A from registers: the fragments of mma.m16n8k16, or of mma.m16n8k32 for elements of one byte.
void gather_registers(const std::vector<ProductLane>& lanes, std::vector<std::uint16_t>& a) {
  const int bytes = lanes.front().element_bytes;
  const int elements = 4 / bytes;  // of a register
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const std::uint32_t* registers = lanes[static_cast<std::size_t>(lane)].a;
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i % 2 * 8;
      const int column = lane % 4 * elements + i / 2 * 4 * elements;
      for (int e = 0; e < elements; ++e) {
        a[static_cast<std::size_t>(row * lanes.front().depth() + column + e)] =
            static_cast<std::uint16_t>(registers[i] >> 8 * bytes * e & ((1u << 8 * bytes) - 1));
      }
    }
  }
}

WgmmaQueue::Operands gather(const std::vector<ProductLane>& lanes, int first_row) {
  const ProductLane& first = lanes.front();
  const int depth = first.depth();
  WgmmaQueue::Operands operands{.a = std::vector<std::uint16_t>(static_cast<std::size_t>(kRows * depth)),
                                .b = std::vector<std::uint16_t>(static_cast<std::size_t>(depth * first.n))};
  if (first.a != nullptr) {
    gather_registers(lanes, operands.a);
  } else {
    const Descriptor a(first.a_descriptor);
    for (int i = 0; i < kRows * depth; ++i) {
      operands.a[static_cast<std::size_t>(i)] =
          k_major_element(a, first_row + i / depth, i % depth, first.element_bytes);
    }
  }
  const Descriptor b(first.b_descriptor);
  for (int k = 0; k < depth; ++k) {
    for (int column = 0; column < first.n; ++column) {
      operands.b[static_cast<std::size_t>(k * first.n + column)] =
          first.b_transposed ? mn_major_element(b, k, column)
                             : k_major_element(b, column, k, first.element_bytes);
    }
  }
  return operands;
}

// --- Accumulators: row lane / 4 (+ 8), columns 8 · j + 2 · (lane % 4) (+ 1) are in d[4 · j] to d[4 · j + 3]

// Calls visit(register, value) for each register of each lane.
template <class Visit>
void for_registers(WgmmaQueue::Accumulator& accumulator, int n, const Visit& visit) {
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    float* d = accumulator.registers[static_cast<std::size_t>(lane)];
    for (int i = 0; i < n / 2; ++i) {
      const int row = lane / 4 + i / 2 % 2 * 8;
      const int column = i / 4 * 8 + lane % 4 * 2 + i % 2;
      visit(d[i], accumulator.values[static_cast<std::size_t>(row * n + column)]);
    }
  }
}

void check_untouched(WgmmaQueue::Accumulator& accumulator, int n) {
  for_registers(accumulator, n, [](const float& d, const float&) {
    if (std::bit_cast<std::uint32_t>(d) != kPoison)
      fail("an accumulator of wgmma was written before its wait");
  });
}

WgmmaQueue::Accumulator& open_accumulator(const std::vector<ProductLane>& lanes) {
  const ProductLane& first = lanes.front();
  auto [place, is_new] = queue().accumulators.try_emplace(first.d);
  WgmmaQueue::Accumulator& accumulator = place->second;
  if (!is_new) {
    check_untouched(accumulator, first.n);
    return accumulator;
  }
  for (const ProductLane& lane : lanes) accumulator.registers.push_back(lane.d);
  accumulator.values.resize(static_cast<std::size_t>(kRows * first.n));
  for_registers(accumulator, first.n, [](float& d, float& value) {
    value = d;
    d = std::bit_cast<float>(kPoison);
  });
  return accumulator;
}

// --- Instructions

void issue(const WarpLanes<const ProductLane>& lanes) {
  const ProductLane& first = *lanes.front();
  std::vector<ProductLane> copies;
  for (const ProductLane* lane : lanes) {
    if (lane->a_descriptor != first.a_descriptor || lane->b_descriptor != first.b_descriptor) {
      fail("wgmma: the lanes of a warp give different descriptors");
    }
    copies.push_back(*lane);
  }
  if (!queue().fenced) fail("wgmma.mma_async without a wgmma.fence since the last group");
  ++open_accumulator(copies).products;
  const int first_row = current_thread().index / kWarpLanes % 4 * kRows;
  WgmmaQueue::Operands operands = gather(copies, first_row);
  queue().issued.push_back(
      {.lanes = std::move(copies), .first_row = first_row, .operands = std::move(operands)});
}

// The sum of products of one byte each, and of the accumulator. The terms are cut below 13 bits after the leading bit of
// the largest, and so is their sum. (DeepSeek-V3 Technical Report, section 3.3.2, says "around 14 bits".)
float narrow_sum(const std::vector<float>& terms) {
  constexpr int kFractionBits = 13;
  float largest = 0;
  for (const float term : terms) largest = std::isfinite(term) ? std::max(largest, std::abs(term)) : term;
  if (largest == 0 || !std::isfinite(largest)) return std::reduce(terms.begin(), terms.end());
  const auto cut = [](float value, int exponent) {
    return std::ldexp(std::trunc(std::ldexp(value, kFractionBits - exponent)), exponent - kFractionBits);
  };
  float sum = 0;
  for (const float term : terms) sum += cut(term, std::ilogb(largest));
  return sum == 0 ? 0 : cut(sum, std::ilogb(sum));
}

void multiply_narrow(const WgmmaQueue::Product& product, const std::vector<float>& b, std::vector<float>& d) {
  const ProductLane& first = product.lanes.front();
  const auto n = static_cast<std::size_t>(first.n);
  const auto depth = static_cast<std::size_t>(first.depth());
  std::vector<float> terms(depth + 1);
  for (std::size_t i = 0; i < d.size(); ++i) {
    for (std::size_t k = 0; k < depth; ++k) {
      terms[k] = first.to_float(product.operands.a[i / n * depth + k]) * b[k * n + i % n];
    }
    terms[depth] = d[i];
    d[i] = narrow_sum(terms);
  }
}

void multiply(const WgmmaQueue::Product& product, std::vector<float>& d) {
  const ProductLane& first = product.lanes.front();
  const auto n = static_cast<std::size_t>(first.n);
  const auto depth = static_cast<std::size_t>(first.depth());
  if (!first.accumulate) std::ranges::fill(d, 0.0f);
  std::vector<float> b(product.operands.b.size());
  std::ranges::transform(product.operands.b, b.begin(), first.to_float);
  if (first.element_bytes == 1) return multiply_narrow(product, b, d);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t k = 0; k < depth; ++k) {
      const float a = first.to_float(product.operands.a[row * depth + k]);
      for (std::size_t column = 0; column < n; ++column) d[row * n + column] += a * b[k * n + column];
    }
  }
}

void complete(const WgmmaQueue::Product& product) {
  const ProductLane& first = product.lanes.front();
  if (gather(product.lanes, product.first_row) != product.operands) {
    fail("an operand of wgmma changed between issue and wait");
  }
  const auto place = queue().accumulators.find(first.d);
  WgmmaQueue::Accumulator& accumulator = place->second;
  multiply(product, accumulator.values);
  if (--accumulator.products > 0) return;
  check_untouched(accumulator, first.n);
  for_registers(accumulator, first.n, [](float& d, const float& value) { d = value; });
  queue().accumulators.erase(place);
}

struct WaitLane {
  int pending;
};

void fence(const WarpLanes<WaitLane>&) { queue().fenced = true; }

void commit(const WarpLanes<WaitLane>&) {
  queue().groups.push_back(std::exchange(queue().issued, {}));
  queue().fenced = false;
}

void wait(const WarpLanes<WaitLane>& lanes) {
  auto& groups = queue().groups;
  for (; groups.size() > static_cast<std::size_t>(lanes.front()->pending); groups.pop_front()) {
    for (const WgmmaQueue::Product& product : groups.front()) complete(product);
  }
}

}  // namespace

void wgmma_fence() {
  WaitLane lane{};
  warp_operation<WaitLane, fence>("wgmma.fence", lane);
}

void wgmma_issue(const ProductLane& lane) {
  warp_operation<const ProductLane, issue>("wgmma.mma_async", lane);
}

void wgmma_commit() {
  WaitLane lane{};
  warp_operation<WaitLane, commit>("wgmma.commit_group", lane);
}

void wgmma_wait(int pending) {
  WaitLane lane{.pending = pending};
  warp_operation<WaitLane, wait>("wgmma.wait_group", lane);
}

}  // namespace flashcore::emulated
