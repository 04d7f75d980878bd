// Where in a matrix the errors are, and how that place repeats.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// The first element that is wrong, with its place in the output, or in P for probes that read P.
struct BadElement {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row = 0;
  std::int64_t column = 0;  // of O, or the key
  double got = 0;
  double wanted = 0;
};

// One character an element; the order is that of severity.
enum class Cell : char {
  right = '.',
  off = '+',      // past the limit
  far_off = '#',  // past ten times the limit
  zero = '0',     // zero where it should not be
  nonfinite = '!',
  unwritten = '?',
};

struct ErrorMap {
  std::string of;                  // what rows and columns are: "O: rows x columns", "P: rows x keys"
  std::vector<std::string> cells;  // [rows][columns] of Cell

  std::int64_t rows() const { return static_cast<std::int64_t>(cells.size()); }
  std::int64_t columns() const { return cells.empty() ? 0 : static_cast<std::int64_t>(cells.front().size()); }
  bool any_wrong() const;
};

// A distance at which a kernel's work repeats, and what it is called.
struct Period {
  std::int64_t length = 0;
  std::string name;
};

// Those of a tile, shortest first: fragments of 8 and 16, the rows of a warp, block_q along rows; 8, 16,
// block_kv along keys.
std::vector<Period> row_periods(const Tile& tile);
std::vector<Period> column_periods(const Tile& tile, bool columns_are_keys);

// The map's errors in words: "rows 25-31 of every 32 (block_q) are zero", "columns 8-15 of every 16 are
// wrong", "the upper right and lower left quadrants of every 16 x 16 are wrong". Empty when nothing is wrong
// or there is no such order.
std::string describe_pattern(const ErrorMap& map, const Tile& tile);

// At most `max_rows` lines of at most `max_columns` characters; a character stands for the worst of its
// block.
std::vector<std::string> draw(const ErrorMap& map, std::int64_t max_rows, std::int64_t max_columns);

}  // namespace flashcore
