#include "kernels/blocks/matrix_descriptor.hpp"

#include <gtest/gtest.h>

#include <set>

namespace flashcore::kernels {
namespace {

std::uint64_t bits(std::uint64_t descriptor, int first, int count) {
  return (descriptor >> first) & ((std::uint64_t{1} << count) - 1);
}

TEST(MatrixDescriptor, FieldsStandWhereTheManualHasThem) {
  const std::uint64_t descriptor = matrix_descriptor(0x12340, 0x5600, 0x400);
  EXPECT_EQ(bits(descriptor, 0, 14), 0x1234u);
  EXPECT_EQ(bits(descriptor, 16, 14), 0x560u);
  EXPECT_EQ(bits(descriptor, 32, 14), 0x40u);
  EXPECT_EQ(bits(descriptor, 49, 3), 0u);
  EXPECT_EQ(bits(descriptor, 62, 2), 1u);
  EXPECT_EQ(descriptor, 0x4000'0040'0560'1234u);
}

TEST(MatrixDescriptor, KMajorStridesByAtomsOfEightRows) {
  const std::uint64_t descriptor = k_major_descriptor(0x8000);
  EXPECT_EQ(bits(descriptor, 0, 14), 0x800u);
  EXPECT_EQ(bits(descriptor, 32, 14), 1024u / 16);
}

TEST(MatrixDescriptor, MnMajorLeadsFromPanelToPanel) {
  constexpr std::uint32_t kPanelBytes = 176 * kPanelRowBytes;
  const std::uint64_t descriptor = mn_major_descriptor(0x8000, kPanelBytes);
  EXPECT_EQ(bits(descriptor, 16, 14), kPanelBytes / 16);
  EXPECT_EQ(bits(descriptor, 32, 14), 1024u / 16);
}

TEST(MatrixDescriptor, AdvanceMovesTheAddressAlone) {
  constexpr std::uint32_t kLastPanel = 226 * 1024;
  const std::uint64_t start = mn_major_descriptor(kLastPanel - 4096, 8192);
  EXPECT_EQ(advance(start, 4096), mn_major_descriptor(kLastPanel, 8192));
  EXPECT_EQ(advance(k_major_descriptor(0), k_major_step_bytes()), k_major_descriptor(32));
  EXPECT_EQ(mn_major_step_bytes(), 2u * kSwizzleAtomBytes);
}

TEST(Swizzle, PermutesTheChunksOfEachRow) {
  for (std::uint32_t row = 0; row < 64; ++row) {
    std::set<std::uint32_t> places;
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
      const std::uint32_t offset = swizzled_chunk_offset(row, chunk);
      EXPECT_EQ(offset / kPanelRowBytes, row);
      EXPECT_EQ(offset % 16, 0u);
      places.insert(offset);
    }
    EXPECT_EQ(places.size(), 8u);
  }
}

// What a matrix load or store of eight rows at one column asks of the 32 banks: each 16 bytes once.
TEST(Swizzle, EightRowsOfAColumnFallIntoEightBankGroups) {
  for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
    std::set<std::uint32_t> bank_groups;
    for (std::uint32_t row = 8; row < 16; ++row) {
      bank_groups.insert(swizzled_chunk_offset(row, chunk) % kPanelRowBytes / 16);
    }
    EXPECT_EQ(bank_groups.size(), 8u);
  }
}

// The hardware's rule: address bits 4-6 are exchanged for their exclusive or with bits 7-9.
TEST(Swizzle, IsAFunctionOfAddressBits) {
  for (std::uint32_t row = 0; row < 32; ++row) {
    for (std::uint32_t chunk = 0; chunk < 8; ++chunk) {
      const std::uint32_t plain = row * kPanelRowBytes + chunk * 16;
      EXPECT_EQ(swizzled_chunk_offset(row, chunk), plain ^ ((plain >> 7 & 7) << 4));
    }
  }
}

}  // namespace
}  // namespace flashcore::kernels
