#include "render/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "attention/problem_fields.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"
#include "conclude/shortfall.hpp"
#include "record/ranking.hpp"
#include "render/conclusion_text.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kThrottledSign = "†";
constexpr std::size_t kMaxEqualReasons = 4;  // more unsupported rows with one reason become one line

const auto kTitleStyle = fmt::text_style(fmt::emphasis::bold);
const auto kFaintStyle = fmt::text_style(fmt::emphasis::faint);
const auto kBestStyle = fmt::fg(fmt::terminal_color::green) | fmt::emphasis::bold;
const auto kBadStyle = fmt::fg(fmt::terminal_color::red);

struct Column {
  TableColumn column;
  std::function<std::string(const Record&)> cell;
};

// A line of the table: a variant with its cells, or a label with a message.
struct Row {
  std::string label;
  std::string message;
  const Record* record = nullptr;  // null when the row stands for several
};

bool is_throttled(const Record& record) {
  return is_timed(record) && record.headline()->throttled_samples > 0;
}

std::string half_interval(const Record& record) {
  const Timing* timing = record.headline();
  if (timing == nullptr) return std::string(kNothing);
  return fmt::format("{:.1f} %", 50 * (timing->ci95_high - timing->ci95_low) / timing->median);
}

std::string sample_count(const Record& record) {
  const Timing* timing = record.headline();
  return timing == nullptr ? std::string(kNothing) : fmt::format("{}", timing->samples.size());
}

void add_clock_columns(std::vector<Column>& columns, const std::vector<Record>& records) {
  bool first = true;
  for (const TimingMode mode : kAll<TimingMode>) {
    const auto taken = [mode](const Record& record) { return record.timings[mode].has_value(); };
    if (std::ranges::none_of(records, taken)) continue;
    columns.push_back(
        {{fmt::format("{} µs", to_string(mode)), Align::right, first ? 0 : 1 + static_cast<int>(mode)},
         [mode](const Record& record) {
           const auto& timing = record.timings[mode];
           return timing ? format_significant(timing->median, 4) : std::string(kNothing);
         }});
    if (!std::exchange(first, false)) continue;
    columns.push_back({{"±", Align::right}, half_interval});
    columns.push_back({{"n", Align::right}, sample_count});
  }
}

std::string tflops_cell(const Record& record) {
  return record.tflops ? format_significant(*record.tflops, 3) : std::string(kNothing);
}

std::string peak_cell(const Record& record) {
  return record.percent_of_peak ? fmt::format("{:.1f} %", *record.percent_of_peak) : std::string(kNothing);
}

std::string error_cell(const Record& record) {
  return record.check ? format_error(record.check->error.rel_l2) : std::string(kNothing);
}

std::vector<Column> make_columns(const std::vector<Record>& records, const TableOptions& options) {
  std::vector<Column> columns;
  add_clock_columns(columns, records);
  if (const Record* baseline = find_baseline(records, options.baseline)) {
    const double base = baseline->headline()->median;
    columns.push_back({{"speed-up", Align::right}, [base](const Record& record) {
                         const Timing* timing = record.headline();
                         if (timing == nullptr) return std::string(kNothing);
                         return format_significant(base / timing->median, 3) + "×";
                       }});
  }
  const auto any = [&](auto has) { return std::ranges::any_of(records, has); };
  if (any([](const Record& record) { return record.tflops.has_value(); })) {
    columns.push_back({{"TFLOP/s", Align::right}, tflops_cell});
  }
  if (any([](const Record& record) { return record.percent_of_peak.has_value(); })) {
    columns.push_back({{"peak", Align::right, 1}, peak_cell});
  }
  if (any([](const Record& record) { return record.check.has_value(); })) {
    columns.push_back({{"rel L2", Align::right, 1}, error_cell});
  }
  columns.push_back(
      {{"status", Align::right}, [](const Record& record) { return record.check ? "ok" : "unchecked"; }});
  return columns;
}

std::string message_of(const Record& record) {
  const std::string status(to_string(record.status));
  return record.reason.empty() ? status : fmt::format("{}: {}", status, printable(record.reason));
}

// What "auto" chose among other variants. The record's reason says by which rule.
constexpr std::string_view kAutoMark = " (auto)";

bool is_auto(const Record& record) { return record.reason.starts_with(kAutoReason); }

// The signs behind a row's label: " †‡".
std::string signs_of(const Record& record, const TableOptions& options) {
  const bool throttled = is_throttled(record);
  const bool falls_short = shortfall(record, options.rule).any();
  return fmt::format("{}{}{}", throttled || falls_short ? " " : "", throttled ? kThrottledSign : "",
                     falls_short ? kShortSign : "");
}

std::vector<Row> make_rows(const std::vector<Record>& records, const TableOptions& options) {
  const bool marks_auto =
      std::ranges::count_if(records, is_auto) < static_cast<std::ptrdiff_t>(records.size());
  std::map<std::string, std::size_t> alike;
  for (const Record& record : records) {
    if (record.status == Status::unsupported) ++alike[record.reason];
  }
  std::vector<Row> rows;
  for (const Record& record : records) {
    if (record.status == Status::ok) {
      const std::string_view mark = marks_auto && is_auto(record) ? kAutoMark : "";
      rows.push_back({fmt::format("{}{}{}", printable(record.variant_id()), mark, signs_of(record, options)),
                      "", &record});
      continue;
    }
    const std::size_t count = record.status == Status::unsupported ? alike[record.reason] : 1;
    if (count > kMaxEqualReasons) {
      alike[record.reason] = 0;  // this row stands for all
      rows.push_back({fmt::format("{} variants", count), message_of(record)});
    } else if (count > 0) {
      rows.push_back({printable(record.variant_id()), message_of(record), &record});
    }
  }
  return rows;
}

std::string footnote(std::string_view text, const TableOptions& options) {
  return paint(elide(fmt::format("  {}", text), options.width), kFaintStyle, options.color) + "\n";
}

std::string throttled_note(const std::vector<Record>& records, const TableOptions& options) {
  std::uint64_t reasons = 0;
  bool any = false;
  for (const Record& record : records) {
    if (!is_throttled(record)) continue;
    any = true;
    if (record.telemetry) reasons |= record.telemetry->throttle_reasons & kSlowdownReasons;
  }
  if (!any) return "";
  const std::vector<std::string> names = throttle_reason_names(reasons);
  return footnote(fmt::format("{} timed in part while the clocks were held down{}{}", kThrottledSign,
                              names.empty() ? "" : ": ", fmt::join(names, ", ")),
                  options);
}

// Which rule chose, where a row is "auto".
std::string auto_note(const std::vector<Record>& records, const TableOptions& options) {
  const auto found = std::ranges::find_if(records, is_auto);
  return found == records.end() ? "" : footnote(printable(found->reason), options);
}

std::string short_note(const std::vector<Record>& records, const TableOptions& options) {
  const auto falls_short = [&](const Record& record) { return shortfall(record, options.rule).any(); };
  if (std::ranges::none_of(records, falls_short)) return "";
  return footnote(fmt::format("{} {}", kShortSign, meaning_of_short(options.rule)), options);
}

// The best row has a star; rows that tie with it have an equals sign, as `tune` marks them.
char mark_of(const Row& row, const Record* best, const TableOptions& options) {
  if (row.record == nullptr || best == nullptr || !is_timed(*row.record)) return ' ';
  if (row.record == best) return '*';
  return are_tied(*best->headline(), *row.record->headline(), options.rule.relative_width) ? '=' : ' ';
}

std::string title_of(const Problem& p, const TableOptions& options) {
  const std::string sizes =
      fmt::format("{}  ({} GFLOP)", problem_sizes(p), format_significant(flops(p) / 1e9, 3));
  if (!is_named(p)) return paint(sizes, kTitleStyle, options.color);
  const std::string name = elide(printable(p.name), options.width);
  const bool fits = display_width(name) + 2 + display_width(sizes) <= options.width;
  return fmt::format("{}{}{}", paint(name, kTitleStyle, options.color), fits ? "  " : "\n", sizes);
}

void add_row(TextTable& table, const Row& row, const std::vector<Column>& columns, const Record* best,
             const TableOptions& options) {
  const char mark = mark_of(row, best, options);
  std::vector<std::string> cells = {fmt::format("{} {}", mark, row.label)};
  if (row.message.empty()) {
    for (const Column& column : columns) cells.push_back(column.cell(*row.record));
    table.add(std::move(cells), mark == '*' ? kBestStyle : fmt::text_style());
    return;
  }
  const bool harmless = row.record == nullptr || row.record->status == Status::unsupported;
  table.add_message(std::move(cells), row.message, harmless ? kFaintStyle : kBadStyle);
}

}  // namespace

std::string render_table(const std::vector<Record>& records, const TableOptions& options) {
  const std::vector<Column> columns = make_columns(records, options);
  std::vector<TableColumn> heads = {{"  variant", Align::left, 0, Cut::middle}};
  for (const Column& column : columns) heads.push_back(column.column);
  TextTable table(std::move(heads));
  const Record* best = find_best(records);
  for (const Row& row : make_rows(records, options)) add_row(table, row, columns, best, options);
  const std::string text =
      title_of(records.front().problem, options) + "\n" +
      table.text({.width = options.width, .color = options.color, .header = kFaintStyle});
  return text + auto_note(records, options) + throttled_note(records, options) + short_note(records, options);
}

TableSink::TableSink(std::ostream& out, TableOptions options)
    : out_(out), options_(std::move(options)), conclusion_(Conclusion(options_.baseline, options_.rule)) {}

void TableSink::add(const Record& record) {
  if (!records_.empty() && records_.front().problem != record.problem) print();
  records_.push_back(record);
}

void TableSink::end_problem() {
  if (!records_.empty()) print();
}

void TableSink::finish() {
  end_problem();
  if (!conclusion_) return;
  const std::vector<std::string> lines = conclusion_lines(*conclusion_);
  conclusion_.reset();
  if (lines.empty()) return;
  if (options_.before_output) options_.before_output();
  out_ << "\n" << paint("Conclusion", kTitleStyle, options_.color) << "\n";
  for (const std::string& line : lines) out_ << wrap("  " + line, options_.width, 4) << "\n";
  out_ << std::flush;
}

void TableSink::print() {
  if (options_.before_output) options_.before_output();
  if (std::exchange(printed_, true)) out_ << "\n";
  out_ << render_table(records_, options_) << std::flush;
  if (conclusion_) conclusion_->add(records_);
  records_.clear();
}

}  // namespace flashcore
