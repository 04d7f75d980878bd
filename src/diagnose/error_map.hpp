// The positions of the errors in a matrix, and the pattern in which they repeat.
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

// One character per element, in the order of severity.
enum class Cell : char {
  right = '.',
  off = '+',      // above the limit
  far_off = '#',  // above ten times the limit
  zero = '0',     // zero, and off by more than the limit
  nonfinite = '!',
  unwritten = '?',
};

struct ErrorMap {
  std::string of;                  // the matrix and its axes: "O: rows x columns", "P: rows x keys"
  std::vector<std::string> cells;  // [rows][columns] of Cell

  std::int64_t rows() const { return static_cast<std::int64_t>(cells.size()); }
  std::int64_t columns() const { return cells.empty() ? 0 : static_cast<std::int64_t>(cells.front().size()); }
  bool any_wrong() const;
};

// A length after which a kernel's work repeats, and its name.
struct Period {
  std::int64_t length = 0;
  std::string name;
};

// The periods of a tile, shortest first. Rows: 8, 16, 32, 64, the rows of a warp, and block_q. Columns: 8,
// 16, 32, and block_kv if the columns are keys. 8 and 16 are the sides of matrix fragments.
std::vector<Period> row_periods(const Tile& tile);
std::vector<Period> column_periods(const Tile& tile, bool columns_are_keys);

// The pattern of the map's errors: "rows 25-31 of every 32 (block_q) are zero", "columns 8-15 of every 16 are
// wrong", "the upper right and lower left 8 x 8 of every 16 x 16 are wrong". Empty if nothing is wrong or the
// errors have no pattern.
std::string describe_pattern(const ErrorMap& map, const Tile& tile);

// The map in at most `max_rows` lines of at most `max_columns` characters. Each character shows the worst
// element of its block.
std::vector<std::string> draw(const ErrorMap& map, std::int64_t max_rows, std::int64_t max_columns);

}  // namespace flashcore
