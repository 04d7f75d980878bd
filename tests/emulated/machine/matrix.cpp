#include "emulated/machine/matrix.hpp"

#include <cstring>
#include <vector>

#include "emulated/machine/shared_memory.hpp"
#include "emulated/machine/warp.hpp"

namespace flashcore::emulated {
namespace {

constexpr int kMatrixRows = 8;
constexpr std::uint32_t kMatrixRowBytes = 16;

struct MatrixLane {
  std::uint32_t address;  // of row lane % 8 of matrix lane / 8
  std::uint32_t fragment[4];
};

using MatrixRow = std::uint16_t[8];

unsigned char* row_at(const WarpLanes<MatrixLane>& lanes, int matrix, int row, const char* operation) {
  return shared_at(lanes[static_cast<std::size_t>(matrix * kMatrixRows + row)]->address, kMatrixRowBytes,
                   kMatrixRowBytes, operation);
}

template <bool kTransposed>
void load(const WarpLanes<MatrixLane>& lanes) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    MatrixRow rows[kMatrixRows];
    for (int row = 0; row < kMatrixRows; ++row) {
      std::memcpy(rows[row], row_at(lanes, matrix, row, "ldmatrix"), kMatrixRowBytes);
    }
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      const int row = lane / 4;
      const int column = lane % 4 * 2;
      const std::uint32_t first = kTransposed ? rows[column][row] : rows[row][column];
      const std::uint32_t second = kTransposed ? rows[column + 1][row] : rows[row][column + 1];
      lanes[static_cast<std::size_t>(lane)]->fragment[matrix] = first | second << 16;
    }
  }
}

void store(const WarpLanes<MatrixLane>& lanes) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      unsigned char* row = row_at(lanes, matrix, lane / 4, "stmatrix");
      std::memcpy(row + lane % 4 * 4, &lanes[static_cast<std::size_t>(lane)]->fragment[matrix], 4);
    }
  }
}

struct MmaLane {
  float (&d)[4];
  const std::uint32_t (&a)[4];
  std::uint32_t b[2];
  ToFloat to_float;
};

template <int kDepth>
struct MmaOperands {
  float a[16][kDepth];
  float b[kDepth][8];
};

// A depth of 16 means elements of two bytes, a depth of 32 elements of one.
template <int kDepth>
MmaOperands<kDepth> gather(const WarpLanes<MmaLane>& lanes) {
  constexpr int kElements = kDepth / 8;  // of a register
  constexpr int kBits = 32 / kElements;
  MmaOperands<kDepth> operands;
  const auto element = [to_float = lanes[0]->to_float](std::uint32_t bits, int e) {
    return to_float(static_cast<std::uint16_t>(bits >> kBits * e & ((1u << kBits) - 1)));
  };
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const MmaLane& from = *lanes[static_cast<std::size_t>(lane)];
    const int row = lane / 4;  // of a; column of b
    for (int e = 0; e < kElements; ++e) {
      const int k = lane % 4 * kElements + e;
      for (int i = 0; i < 4; ++i) {
        operands.a[row + i % 2 * 8][k + i / 2 * (kDepth / 2)] = element(from.a[i], e);
      }
      for (int i = 0; i < 2; ++i) operands.b[k + i * (kDepth / 2)][row] = element(from.b[i], e);
    }
  }
  return operands;
}

template <int kDepth>
void multiply(const WarpLanes<MmaLane>& lanes) {
  const MmaOperands<kDepth> operands = gather<kDepth>(lanes);
  float product[16][8] = {};
  for (int row = 0; row < 16; ++row) {
    for (int k = 0; k < kDepth; ++k) {
      for (int column = 0; column < 8; ++column) {
        product[row][column] += operands.a[row][k] * operands.b[k][column];
      }
    }
  }
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    float(&d)[4] = lanes[static_cast<std::size_t>(lane)]->d;
    for (int i = 0; i < 4; ++i) d[i] += product[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
  }
}

std::vector<float> table_of_halves() {
  std::vector<float> table(1 << 16);
  for (std::uint32_t bits = 0; bits < table.size(); ++bits) {
    table[bits] = __half2float(__half(__half_raw{static_cast<unsigned short>(bits)}));
  }
  return table;
}

}  // namespace

template <>
float element_to_float<__half>(std::uint16_t bits) {
  static const std::vector<float> table = table_of_halves();
  return table[bits];
}

template <>
float element_to_float<__nv_bfloat16>(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

void load_matrix_x4(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  MatrixLane lane{.address = smem, .fragment = {}};
  warp_operation<MatrixLane, load<false>>("ldmatrix", lane);
  std::memcpy(fragment, lane.fragment, sizeof(fragment));
}

void load_matrix_x4_transposed(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  MatrixLane lane{.address = smem, .fragment = {}};
  warp_operation<MatrixLane, load<true>>("ldmatrix.trans", lane);
  std::memcpy(fragment, lane.fragment, sizeof(fragment));
}

void store_matrix_x4(std::uint32_t smem, const std::uint32_t (&fragment)[4]) {
  current_thread().unfenced_rows.push_back(smem);
  MatrixLane lane{.address = smem, .fragment = {fragment[0], fragment[1], fragment[2], fragment[3]}};
  warp_operation<MatrixLane, store>("stmatrix", lane);
}

void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                  ToFloat to_float) {
  MmaLane lane{.d = d, .a = a, .b = {b0, b1}, .to_float = to_float};
  warp_operation<MmaLane, multiply<16>>("mma.m16n8k16", lane);
}

void mma_m16n8k32(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                  ToFloat to_float) {
  MmaLane lane{.d = d, .a = a, .b = {b0, b1}, .to_float = to_float};
  warp_operation<MmaLane, multiply<32>>("mma.m16n8k32", lane);
}

}  // namespace flashcore::emulated
