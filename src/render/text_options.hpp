// Options of text for people.
#pragma once

namespace flashcore {

struct TextOptions {
  bool color = false;
  bool all_rows = true;  // of a comparison: also those that are `same`
};

}  // namespace flashcore
