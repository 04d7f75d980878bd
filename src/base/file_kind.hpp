// The kinds of files that this program writes, and how it recognises its own: JSON by keys of its form, text by its
// first characters.
#pragma once

#include <string_view>

namespace flashcore {

enum class FileKind : int {
  results,
  tuned_table,
  journal,
  noise,
  comparison,
  history,
  diagnosis,
  report,
  bencher,
  smaller_is_better,
  google_benchmark,
  csv,
  page,
  markdown,
  junit,
  table
};

// "a result file"
std::string_view name_of(FileKind kind);

// How many bytes of a file decide about its kind.
inline constexpr std::size_t kHeadBytes = std::size_t{16} << 20;

// True if a file that begins with `head` is of the kind. An empty file is of every kind: it holds nothing to lose.
bool is_of_kind(FileKind kind, std::string_view head);

}  // namespace flashcore
