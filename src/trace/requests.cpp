#include "trace/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/json_document.hpp"
#include "base/json_fields.hpp"
#include "base/text.hpp"
#include "trace/trace_file.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kMaxTokens = std::int64_t{1} << 30;

// The columns of a form of CSV.
struct CsvForm {
  std::string_view input;
  std::string_view output;
};
constexpr CsvForm kCsvForms[] = {{"ContextTokens", "GeneratedTokens"}, {"Request tokens", "Response tokens"}};

// Where a file has these columns.
struct Columns {
  std::size_t input;
  std::size_t output;
  std::size_t count;  // of all columns
};

std::optional<std::size_t> index_of(const std::vector<std::string_view>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

Columns columns_of(const std::string& where, std::string_view header) {
  const std::vector<std::string_view> names = split(header, ',');
  for (const CsvForm& form : kCsvForms) {
    const std::optional<std::size_t> input = index_of(names, form.input);
    const std::optional<std::size_t> output = index_of(names, form.output);
    if (input && output) return {*input, *output, names.size()};
  }
  throw UsageError(fmt::format(
      "{}: is no known trace: neither a header with ContextTokens,GeneratedTokens nor one with TracedRequest "
      "tokens,Response tokens nor JSON with input_length and output_length",
      where));
}

std::int32_t tokens_of(const std::string& where, std::string_view cell) {
  std::int64_t tokens = -1;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), tokens);
  if (error != std::errc{} || end != cell.data() + cell.size() || tokens < 0 || tokens > kMaxTokens) {
    throw UsageError(fmt::format("{}: \"{}\" is no number of tokens, a whole number from 0 to {}", where,
                                 elide(printable(cell), 40), kMaxTokens));
  }
  return static_cast<std::int32_t>(tokens);
}

TracedRequest request_of(const std::string& where, const TraceLine& line, const Columns& columns) {
  if (line.text.find('"') != line.text.npos) throw UsageError(fmt::format("{}: has a quoted cell", where));
  const std::vector<std::string_view> cells = split(line.text, ',');
  if (cells.size() != columns.count) {
    throw UsageError(
        fmt::format("{}: has {} cells, but the header has {}", where, cells.size(), columns.count));
  }
  return {line.number, tokens_of(where, cells[columns.input]), tokens_of(where, cells[columns.output]), {}};
}

TracedRequest request_of(const std::string& where, const TraceLine& line) {
  const JsonDocument document(line.text, where);
  const JsonReader root(document);
  const auto tokens = [&](std::string_view key) {
    return static_cast<std::int32_t>(require_field(root, key).integer(0, kMaxTokens));
  };
  TracedRequest request{line.number, tokens("input_length"), tokens("output_length"), {}};
  for (const JsonReader& id : elements(require_field(root, "hash_ids"))) {
    request.blocks.push_back(decode<std::int64_t>(id));
  }
  return request;
}

}  // namespace

RequestTrace parse_requests(std::string_view text, const std::string& file) {
  TraceLines lines(text, file);
  RequestTrace trace;
  std::optional<Columns> columns;
  while (const std::optional<TraceLine> line = lines.next()) {
    const std::string where = lines.where(*line);
    if (line->number == 1) {
      trace.has_blocks = line->text.starts_with('{');
      if (!trace.has_blocks) columns = columns_of(where, line->text);
      if (columns) continue;
    }
    if (trace.requests.size() == kMaxRequests) {
      throw UsageError(fmt::format("{}: more than {} requests", where, kMaxRequests));
    }
    trace.requests.push_back(columns ? request_of(where, *line, *columns) : request_of(where, *line));
  }
  if (trace.requests.empty()) throw UsageError(fmt::format("{}: has no request", file));
  return trace;
}

}  // namespace flashcore
