// The tables of the terminal: aligned columns that fit a width.
#pragma once

#include <fmt/color.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

inline constexpr int kAnyWidth = std::numeric_limits<int>::max();

enum class Align : int { left, right };
enum class Cut : int { never, middle, end };

struct TableColumn {
  std::string header = {};
  Align align = Align::left;
  int rank = 0;  // of a table that is too wide, columns leave from the highest rank down; 0 stays
  Cut cut =
      Cut::never;  // where cells lose text in a table that is too wide: ids in the middle, prose at the end
};

struct TableLayout {
  int width = kAnyWidth;  // in characters
  bool color = false;
  fmt::text_style header = {};
};

// Two spaces separate columns, one if the table is too wide otherwise. To fit the width, cells of prose are cut, then columns
// leave by rank, then ids are cut. A column without any value is left out, and so is the header line if no column has a
// header. Lines have no trailing spaces.
class TextTable {
 public:
  explicit TextTable(std::vector<TableColumn> columns);

  // A cell per column; those that are missing are empty. Cells are made printable(), so they cannot have colours.
  void add(std::vector<std::string> cells, const fmt::text_style& style = {});
  // The first cells, and a message in the place of the others, which is cut at its end to fit the width.
  void add_message(std::vector<std::string> cells, std::string_view message,
                   const fmt::text_style& style = {});

  bool empty() const { return rows_.empty(); }
  // A line per row, with its line end.
  std::string text(const TableLayout& layout = {}) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::string message;
    fmt::text_style style;
  };
  class Fit;  // the columns that stay, with their widths

  std::vector<TableColumn> columns_;
  std::vector<Row> rows_;
};

}  // namespace flashcore
