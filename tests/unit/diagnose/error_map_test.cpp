#include "diagnose/error_map.hpp"

#include <gtest/gtest.h>

namespace flashcore {
namespace {

constexpr Tile kTile{.block_q = 32, .block_kv = 32, .num_warps = 4, .num_stages = 1};

// rows x columns, wrong where `wrong` says so.
template <class Wrong>
ErrorMap make_map(int rows, int columns, Wrong wrong, Cell cell = Cell::off,
                  const char* of = "O: rows x columns") {
  ErrorMap map{.of = of, .cells = {}};
  for (int row = 0; row < rows; ++row) {
    std::string& line = map.cells.emplace_back();
    for (int column = 0; column < columns; ++column) {
      line += static_cast<char>(wrong(row, column) ? cell : Cell::right);
    }
  }
  return map;
}

std::string pattern_of(const ErrorMap& map) { return describe_pattern(map, kTile); }

TEST(ErrorMap, NamesTheRowsOfATile) {
  const auto lost = [](int row, int) { return row % 32 >= 26; };
  EXPECT_EQ(pattern_of(make_map(96, 64, lost, Cell::zero)), "rows 26-31 of every 32 (block_q) are zero");
}

TEST(ErrorMap, TakesTheShortestPeriod) {
  const auto every_other = [](int row, int) { return row % 8 < 4; };
  EXPECT_EQ(pattern_of(make_map(64, 64, every_other)), "rows 0-3 of every 8 (the rows of a warp) are wrong");
}

TEST(ErrorMap, NamesColumnsAndKeys) {
  const auto half = [](int, int column) { return column % 16 >= 8; };
  EXPECT_EQ(pattern_of(make_map(32, 64, half, Cell::nonfinite)), "columns 8-15 of every 16 are not finite");
  const auto last = [](int, int key) { return key % 32 == 31; };
  EXPECT_EQ(pattern_of(make_map(32, 96, last, Cell::off, "P: rows x keys")),
            "keys 31 of every 32 (block_kv) are wrong");
}

TEST(ErrorMap, NamesQuadrants) {
  const auto swapped = [](int row, int column) { return (row & 8) != (column & 8); };
  EXPECT_EQ(pattern_of(make_map(64, 64, swapped)),
            "the upper right and lower left 8 x 8 of every 16 x 16 are wrong");
}

TEST(ErrorMap, NamesWhatDoesNotRepeat) {
  const auto late = [](int row, int) { return row >= 70; };
  EXPECT_EQ(pattern_of(make_map(96, 64, late, Cell::unwritten)), "rows 70-95 of 96 are not written");
  const auto early = [](int row, int) { return row < 3; };
  EXPECT_EQ(pattern_of(make_map(64, 64, early)), "rows 0-2 of 64 are wrong");
  const auto corner = [](int row, int column) { return row == 1 && (column == 2 || column == 5); };
  EXPECT_EQ(pattern_of(make_map(8, 8, corner)), "rows 1 of 8 in columns 2, 5 of 8 are wrong");
}

TEST(ErrorMap, SaysNothingOfNothingAndOfEverything) {
  EXPECT_EQ(pattern_of(make_map(64, 64, [](int, int) { return false; })), "");
  EXPECT_EQ(pattern_of(make_map(64, 64, [](int, int) { return true; })), "");
}

TEST(ErrorMap, DrawsTheWorstOfEachBlock) {
  ErrorMap map = make_map(64, 128, [](int, int) { return false; });
  map.cells[63][127] = static_cast<char>(Cell::off);
  map.cells[62][126] = static_cast<char>(Cell::unwritten);
  const std::vector<std::string> picture = draw(map, 32, 64);
  ASSERT_EQ(picture.size(), 32u);
  EXPECT_EQ(picture.front(), std::string(64, '.'));
  EXPECT_EQ(picture.back(), std::string(63, '.') + '?');
}

TEST(ErrorMap, DrawsSmallMapsAsTheyAre) {
  const ErrorMap map = make_map(3, 5, [](int row, int column) { return row == column; });
  EXPECT_EQ(draw(map, 32, 64), map.cells);
}

}  // namespace
}  // namespace flashcore
