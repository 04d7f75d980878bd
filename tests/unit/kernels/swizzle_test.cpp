// Counts shared-memory bank conflicts of the swizzled tiles as the hardware would: 32 banks of 4 bytes, a
// 16-byte access served for eight lanes at a time, which must between them touch each bank once.
#include "kernels/blocks/swizzle.cuh"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace flashcore::kernels {
namespace {

constexpr int kRows = 64;

// True when eight 16-byte accesses touch all 32 banks.
bool conflict_free(const std::array<std::uint32_t, 8>& addresses) {
  std::set<std::uint32_t> sixteenths;  // groups of four banks
  for (const std::uint32_t address : addresses) sixteenths.insert(address / 16 % 8);
  return sixteenths.size() == 8;
}

template <class HeadDim>
class SwizzleTest : public testing::Test {};

using HeadDims = testing::Types<std::integral_constant<int, 32>, std::integral_constant<int, 64>,
                                std::integral_constant<int, 96>, std::integral_constant<int, 128>,
                                std::integral_constant<int, 256>>;
TYPED_TEST_SUITE(SwizzleTest, HeadDims);

TYPED_TEST(SwizzleTest, IsAPermutationOfEachRow) {
  using Smem = SwizzledTile<TypeParam::value>;
  for (int row = 0; row < kRows; ++row) {
    std::set<std::uint32_t> offsets;
    for (int chunk = 0; chunk < Smem::kChunks; ++chunk) {
      const std::uint32_t offset = Smem::offset(row, chunk);
      EXPECT_EQ(offset / Smem::kRowBytes, static_cast<std::uint32_t>(row));
      EXPECT_EQ(offset % kChunkBytes, 0u);
      offsets.insert(offset);
    }
    EXPECT_EQ(offsets.size(), static_cast<std::size_t>(Smem::kChunks));
  }
}

TYPED_TEST(SwizzleTest, LdmatrixReadsEightRowsWithoutConflict) {
  using Smem = SwizzledTile<TypeParam::value>;
  for (int first_row = 0; first_row < kRows; first_row += 8) {
    for (int chunk = 0; chunk < Smem::kChunks; ++chunk) {
      std::array<std::uint32_t, 8> addresses{};
      for (int i = 0; i < 8; ++i) addresses[static_cast<std::size_t>(i)] = Smem::offset(first_row + i, chunk);
      EXPECT_TRUE(conflict_free(addresses)) << "row " << first_row << " chunk " << chunk;
    }
  }
}

TYPED_TEST(SwizzleTest, RowsAreStoredWithoutConflict) {
  using Smem = SwizzledTile<TypeParam::value>;
  for (int first = 0; first < kRows * Smem::kChunks; first += 8) {  // eight neighbouring lanes of a copy
    std::array<std::uint32_t, 8> addresses{};
    for (int i = 0; i < 8; ++i) {
      addresses[static_cast<std::size_t>(i)] =
          Smem::offset((first + i) / Smem::kChunks, (first + i) % Smem::kChunks);
    }
    EXPECT_TRUE(conflict_free(addresses)) << "chunk " << first;
  }
}

TYPED_TEST(SwizzleTest, StepsToTheRightAndBelowStayOnTheTile) {
  using Smem = SwizzledTile<TypeParam::value>;
  for (int row = 0; row < 16; ++row) {
    for (int chunk = 0; chunk < 2; ++chunk) {
      const std::uint32_t start = Smem::offset(row, chunk);
      for (int pairs = 0; pairs < Smem::kChunks / 2; ++pairs) {
        EXPECT_EQ(Smem::right(start, pairs), Smem::offset(row, chunk + 2 * pairs));
        EXPECT_EQ(Smem::below(Smem::right(start, pairs), 16), Smem::offset(row + 16, chunk + 2 * pairs));
      }
    }
  }
}

// The rows that lanes name for ldmatrix.x4, against the operand layouts of mma.m16n8k16: matrix i of four is
// named by lanes 8i to 8i + 7. A: rows 0-7, rows 8-15, then the same of the right half. B of two 8-column
// tiles: left and right half of rows 0-7, then of rows 8-15.
TEST(MatrixLane, NamesTheMatricesInOperandOrder) {
  for (int lane = 0; lane < 32; ++lane) {
    const int matrix = lane / 8;
    EXPECT_EQ(matrix_lane_a(lane).row, lane % 8 + (matrix % 2) * 8);
    EXPECT_EQ(matrix_lane_a(lane).chunk, matrix / 2);
    EXPECT_EQ(matrix_lane_b(lane).row, lane % 8 + (matrix / 2) * 8);
    EXPECT_EQ(matrix_lane_b(lane).chunk, matrix % 2);
  }
}

}  // namespace
}  // namespace flashcore::kernels
