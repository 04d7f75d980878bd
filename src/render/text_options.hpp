// Options of text for people.
#pragma once

#include "base/text_table.hpp"

namespace flashcore {

struct TextOptions {
  int width = kAnyWidth;
  bool color = false;
  bool all_rows = true;  // of a comparison: also those that are `same`
};

}  // namespace flashcore
