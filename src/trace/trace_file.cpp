#include "trace/trace_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/input_file.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_control(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; }

}  // namespace

std::string read_trace_file(const std::filesystem::path& path) {
  return read_input(path, {.max_bytes = kMaxTraceBytes, .regular_only = true});
}

TraceLines::TraceLines(std::string_view text, std::string file) : rest_(text), file_(std::move(file)) {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  while (rest_.ends_with('\n') || rest_.ends_with('\r')) rest_.remove_suffix(1);
}

std::optional<TraceLine> TraceLines::next() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  TraceLine line{++number_, rest_.substr(0, end)};
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  if (line.text.empty()) throw UsageError(fmt::format("{}: is empty", where(line)));
  if (line.text.size() > kMaxDocumentBytes) {
    throw UsageError(fmt::format("{}: is longer than {} MiB", where(line), kMaxDocumentBytes >> 20));
  }
  if (std::ranges::any_of(line.text, is_control)) {
    throw UsageError(fmt::format("{}: has a control character", where(line)));
  }
  return line;
}

std::string TraceLines::where(const TraceLine& line) const {
  return fmt::format("{}:{}", file_, line.number);
}

}  // namespace flashcore
