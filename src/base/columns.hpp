// Text in aligned columns, for listings.
#pragma once

#include <string>
#include <vector>

namespace flashcore {

// One line a row; columns two spaces apart, as wide as their widest cell; no trailing blanks.
std::string align_columns(const std::vector<std::vector<std::string>>& rows);

// 1536 bytes as "1.5 KiB"; binary units, four significant digits.
std::string format_bytes(double bytes);

}  // namespace flashcore
