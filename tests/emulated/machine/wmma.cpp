#include "emulated/machine/wmma.hpp"

#include "emulated/machine/failure.hpp"
#include "emulated/machine/warp.hpp"

namespace flashcore::emulated {
namespace {

using Matrix = float[kWmmaSide][kWmmaSide];

float& element(Matrix& matrix, int lane, int index) {
  const int place = lane * kWmmaElements + index;
  return matrix[place / kWmmaSide][place % kWmmaSide];
}

void multiply(const WarpLanes<const WmmaLane>& lanes) {
  Matrix a;
  Matrix b;
  Matrix d;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const WmmaLane& from = *lanes[static_cast<std::size_t>(lane)];
    for (int i = 0; i < kWmmaElements; ++i) {
      element(a, lane, i) = from.to_float(from.a[i]);
      element(b, lane, i) = from.to_float(from.b[i]);
      element(d, lane, i) = from.c[i];
    }
  }
  for (int row = 0; row < kWmmaSide; ++row) {
    for (int k = 0; k < kWmmaSide; ++k) {
      for (int column = 0; column < kWmmaSide; ++column) d[row][column] += a[row][k] * b[k][column];
    }
  }
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    for (int i = 0; i < kWmmaElements; ++i) {
      lanes[static_cast<std::size_t>(lane)]->d[i] = element(d, lane, i);
    }
  }
}

}  // namespace

std::int64_t wmma_offset(int index, unsigned leading_dimension, bool row_major) {
  const int place = current_thread().lane() * kWmmaElements + index;
  const int row = place / kWmmaSide;
  const int column = place % kWmmaSide;
  return row_major ? std::int64_t{row} * leading_dimension + column
                   : std::int64_t{column} * leading_dimension + row;
}

void wmma_access(const void* matrix) {
  constexpr std::uintptr_t kAlignment = 32;
  if (reinterpret_cast<std::uintptr_t>(matrix) % kAlignment != 0) {
    fail("wmma: a matrix is not aligned to {} bytes", kAlignment);
  }
  warp_sync();
}

void wmma_multiply(const WmmaLane& lane) { warp_operation<const WmmaLane, multiply>("wmma.mma", lane); }

}  // namespace flashcore::emulated
