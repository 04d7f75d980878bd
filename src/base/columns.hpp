// Aligned columns for listings.
#pragma once

#include <string>
#include <vector>

namespace flashcore {

// One line per row. A column is as wide as its widest cell; two spaces separate columns; lines have no
// trailing spaces. Cells are made printable(), so they cannot have colours.
std::string align_columns(std::vector<std::vector<std::string>> rows);

// "1.5 KiB" for 1536: binary units, four significant digits.
std::string format_bytes(double bytes);

}  // namespace flashcore
