#include "base/text_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr int kWideGap = 2;
constexpr int kNarrowGap = 1;
constexpr int kLeastProse = 24;  // widths below which cells are not cut
constexpr int kLeastId = 16;

bool has_value(std::string_view cell) { return !cell.empty() && cell != kNothing; }

std::string cut_cell(const std::string& cell, Cut cut, int width) {
  return cut == Cut::middle ? elide_middle(cell, width) : elide(cell, width);
}

}  // namespace

class TextTable::Fit {
 public:
  Fit(const TextTable& table, int limit) : columns_(table.columns_) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (table.rows_.empty() || std::ranges::any_of(table.rows_, [i](const Row& row) {
            return i < row.cells.size() && has_value(row.cells[i]);
          })) {
        shown_.push_back(i);
      }
    }
    for (const TableColumn& column : columns_) widths_.push_back(display_width(column.header));
    for (const Row& row : table.rows_) {
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        widths_[i] = std::max(widths_[i], display_width(row.cells[i]));
      }
    }
    fit(limit);
  }

  std::string line(std::span<const std::string> cells, std::string_view message, int limit) const {
    std::string line;
    for (const std::size_t i : shown_) {
      if (i >= cells.size()) break;
      if (i != shown_.front()) line += std::string(static_cast<std::size_t>(gap_), ' ');
      const std::string cell = cut_cell(cells[i], columns_[i].cut, widths_[i]);
      line += columns_[i].align == Align::left ? align_left(cell, widths_[i]) : align_right(cell, widths_[i]);
    }
    if (!message.empty()) {
      line += std::string(kWideGap, ' ').append(message);
      line = elide(line, limit);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    return line;
  }

 private:
  std::int64_t width() const {
    return std::accumulate(shown_.begin(), shown_.end(), std::int64_t{0},
                           [this](std::int64_t sum, std::size_t i) { return sum + widths_[i] + gap_; }) -
           gap_;
  }

  // Takes from the widest of the columns that are cut there, until the table fits or all have the least width.
  void cut(Cut where, int least, int limit) {
    while (width() > limit) {
      std::size_t widest = columns_.size();
      for (const std::size_t i : shown_) {
        if (columns_[i].cut != where || widths_[i] <= least) continue;
        if (widest == columns_.size() || widths_[i] > widths_[widest]) widest = i;
      }
      if (widest == columns_.size()) return;
      --widths_[widest];
    }
  }

  void fit(int limit) {
    if (width() > limit) gap_ = kNarrowGap;
    cut(Cut::end, kLeastProse, limit);
    while (width() > limit) {
      const auto least =
          std::ranges::max_element(shown_, {}, [this](std::size_t i) { return columns_[i].rank; });
      if (columns_[*least].rank == 0) break;
      shown_.erase(least);
    }
    cut(Cut::middle, kLeastId, limit);
  }

  const std::vector<TableColumn>& columns_;
  std::vector<std::size_t> shown_;
  std::vector<int> widths_;  // of all columns
  int gap_ = kWideGap;
};

TextTable::TextTable(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

void TextTable::add(std::vector<std::string> cells, const fmt::text_style& style) {
  add_message(std::move(cells), "", style);
}

void TextTable::add_message(std::vector<std::string> cells, std::string_view message,
                            const fmt::text_style& style) {
  cells.resize(std::min(cells.size(), columns_.size()));
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back({std::move(cells), printable(message), style});
}

std::string TextTable::text(const TableLayout& layout) const {
  const Fit fit(*this, layout.width);
  std::string text;
  std::vector<std::string> headers;
  for (const TableColumn& column : columns_) headers.push_back(column.header);
  const std::string header = fit.line(headers, "", layout.width);
  if (!header.empty()) text += paint(header, layout.header, layout.color) + "\n";
  for (const Row& row : rows_) {
    text += paint(fit.line(row.cells, row.message, layout.width), row.style, layout.color) + "\n";
  }
  return text;
}

}  // namespace flashcore
