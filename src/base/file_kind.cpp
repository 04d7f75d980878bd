#include "base/file_kind.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace flashcore {
namespace {

using nlohmann::json;

struct KindRow {
  FileKind kind;
  std::string_view name;
  std::vector<std::string_view> keys = {};  // JSON pointers, all of which the file has; * is any key or place
  std::vector<std::string_view> begins = {};  // the file begins with one of these, or
  std::vector<std::string_view> has = {};     // has one of these near its beginning
};

constexpr std::string_view kGenerator = "<meta name=\"generator\" content=\"flashcore-bench ";

const KindRow& row_of(FileKind kind) {
  static const std::vector<KindRow> rows = {
      {FileKind::results, "a result file", {"/schema_version", "/records"}},
      {FileKind::tuned_table, "a tuned table", {"/schema_version", "/tuned_table"}},
      {FileKind::journal, "a journal", {"/schema_version", "/tune_journal"}},
      {FileKind::noise, "a noise file", {"/schema_version", "/spreads"}},
      {FileKind::comparison, "a comparison", {"/schema_version", "/outcome", "/rows"}},
      {FileKind::history, "a history", {"/schema_version", "/left_out", "/rows"}},
      {FileKind::diagnosis, "a diagnosis", {"/variant", "/faults", "/findings"}},
      {FileKind::report, "a report", {"/clocks", "/files", "/problems", "/families", "/records"}},
      {FileKind::bencher, "metrics for Bencher", {"/*/latency/lower_value"}},
      {FileKind::smaller_is_better, "times for github-action-benchmark", {"/*/range", "/*/extra"}},
      {FileKind::google_benchmark, "times as of Google Benchmark", {"/context/flashcore_version"}},
      {FileKind::csv, "a CSV file", {}, {"problem.name,"}},
      {FileKind::page, "a page", {}, {}, {kGenerator}},
      {FileKind::markdown,
       "a Markdown report",
       {},
       {"# Fused attention: results\n", "### ✅ FlashCore: ", "### ❌ FlashCore: ", "### ❔ FlashCore: "}},
      {FileKind::junit, "a JUnit file", {}, {}, {"<testsuite name=\"flashcore-bench "}},
      {FileKind::table, "a table", {}, {"flashcore-bench "}}};
  return *std::ranges::find(rows, kind, &KindRow::kind);
}

// Notes which of the wanted keys a document has and stops when it has met all.
class KeySearch : public json::json_sax_t {
 public:
  explicit KeySearch(const std::vector<std::string_view>& wanted)
      : wanted_(wanted.begin(), wanted.end()), left_(wanted_.size()) {}

  bool found_all() const { return left_ == 0; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    enter();
    path_.back() = "*";
    return true;
  }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    path_.back() = name;
    if (path_.size() > kMaxDepth) return true;
    for (std::string& wanted : wanted_) {
      if (wanted.empty() || !matches(wanted)) continue;
      wanted.clear();
      --left_;
    }
    return left_ > 0;
  }

 private:
  static constexpr std::size_t kMaxDepth = 4;

  bool enter() {
    path_.emplace_back();
    return true;
  }
  bool leave() {
    path_.pop_back();
    return true;
  }
  bool matches(std::string_view wanted) const {
    for (const std::string& name : path_) {
      if (!wanted.starts_with('/')) return false;
      wanted.remove_prefix(1);
      const std::string_view part = wanted.substr(0, wanted.find('/'));
      if (part != "*" && part != name) return false;
      wanted.remove_prefix(part.size());
    }
    return wanted.empty();
  }

  std::vector<std::string> wanted_;  // a key that was met is empty
  std::size_t left_;
  std::vector<std::string> path_;  // the current key of each open object
};

bool has_keys(const std::vector<std::string_view>& keys, std::string_view head) {
  KeySearch search(keys);
  json::sax_parse(head, &search, json::input_format_t::json, /*strict=*/false);
  return search.found_all();
}

}  // namespace

std::string_view name_of(FileKind kind) { return row_of(kind).name; }

bool is_of_kind(FileKind kind, std::string_view head) {
  if (head.empty()) return true;
  const KindRow& row = row_of(kind);
  if (!row.keys.empty()) return has_keys(row.keys, head);
  constexpr std::size_t kNear = 4096;
  const std::string_view beginning = head.substr(0, kNear);
  return std::ranges::any_of(row.begins, [&](std::string_view text) { return head.starts_with(text); }) ||
         std::ranges::any_of(row.has,
                             [&](std::string_view text) { return beginning.find(text) != beginning.npos; });
}

}  // namespace flashcore
