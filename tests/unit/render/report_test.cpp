#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "render/table.hpp"
#include "results/csv.hpp"
#include "results/file_sink.hpp"
#include "results/result_file.hpp"
#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;
using testing::expect_golden;
using testing::failed_record;
using testing::ok_record;
using testing::read_file;
using testing::sample_problem;
using testing::sample_records;
using testing::TemporaryFolder;

// A stopping rule that all sample records meet.
const TableOptions kMet{.rule = {.relative_width = 0.1, .min_samples = 5}};

std::string render(const TableOptions& options) {
  std::ostringstream out;
  TableSink sink(out, options);
  for (const Record& record : sample_records()) sink.add(record);
  sink.finish();
  return out.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Table, LooksAsItShould) { expect_golden("report/table.txt", render({})); }

TEST(Table, ColorAddsNothingButEscapes) {
  std::string plain;
  const std::string colored = render({.color = true});
  for (std::size_t i = 0; i < colored.size(); ++i) {
    if (colored[i] == '\x1b') {
      i = colored.find('m', i);
    } else {
      plain += colored[i];
    }
  }
  EXPECT_NE(colored, plain);
  EXPECT_EQ(plain, render({}));
}

TEST(Table, FitsItsWidthByLeavingColumnsOut) {
  for (const int width : {100, 90, 80}) {
    const std::string text = render({.width = width});
    for (const std::string& line : lines_of(text.substr(0, text.find("Conclusion")))) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
  expect_contains(render({.width = 200}), "call µs");
  EXPECT_EQ(render({.width = 80}).find("call µs"), std::string::npos);
}

TEST(Table, SpeedUpIsOverTheFirstTimedMatchOfTheBaseline) {
  // wmma at 61.25 µs is the first match of its glob that is ok; mma at 9.996 µs is 6.13 times as fast.
  const std::string text = render({.width = 200, .baseline = "wmma*"});
  expect_contains(text, "6.13×");
  expect_contains(text, "0.148×");
  EXPECT_EQ(render({.baseline = "nothing/*"}).find("speed-up"), std::string::npos);
}

TEST(Table, FewUnsupportedRowsStayApart) {
  std::vector<Record> records = {ok_record(sample_problem(), "scalar", {4, 4, 4, 1}, 10)};
  for (const int block_q : {16, 32, 64, 128}) {
    records.push_back(
        failed_record(sample_problem(), "mma", {block_q, 64, 4, 1}, Status::unsupported, "too old"));
  }
  EXPECT_EQ(lines_of(render_table(records, kMet)).size(), 2u + 5u);
  records.push_back(failed_record(sample_problem(), "mma", {256, 64, 4, 1}, Status::unsupported, "too old"));
  EXPECT_EQ(lines_of(render_table(records, kMet)).size(), 2u + 2u);
  expect_contains(render_table(records, kMet), "5 variants");
}

TEST(Table, MarksRowsWhoseClocksWereHeldDown) {
  std::vector<Record> records = {ok_record(sample_problem(), "scalar", {4, 4, 4, 1}, 10),
                                 ok_record(sample_problem(), "mma", {64, 64, 4, 1}, 5)};
  EXPECT_EQ(render_table(records, kMet).find("†"), std::string::npos);
  testing::add_measurements(records[1]);
  const std::vector<std::string> lines = lines_of(render_table(records, kMet));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[2].find("†"), std::string::npos);
  expect_contains(lines[3], "mma/fp16_d64_q64_kv64_w4_s1 †");
  EXPECT_EQ(lines[4], "  † timed in part while the clocks were held down: sw_power_cap, hw_thermal_slowdown");
}

TEST(Table, MarksRowsThatFallShortAndExplainsTheSignOnce) {
  std::vector<Record> records = {ok_record(sample_problem(), "scalar", {4, 4, 4, 1}, 10),
                                 ok_record(sample_problem(), "wmma", {32, 64, 4, 1}, 8),
                                 ok_record(sample_problem(), "mma", {64, 64, 4, 1}, 5)};
  EXPECT_EQ(render_table(records, kMet).find("‡"), std::string::npos);
  records[0].timings[TimingMode::call]->samples.resize(3);
  testing::add_measurements(records[2]);
  records[2].timings[TimingMode::hot]->samples.resize(4);
  const std::vector<std::string> lines = lines_of(render_table(records, kMet));
  ASSERT_EQ(lines.size(), 7u);
  expect_contains(lines[2], "scalar/fp16_d64_q4_kv4_w4_s1 ‡");
  EXPECT_EQ(lines[3].find("‡"), std::string::npos);
  expect_contains(lines[4], "mma/fp16_d64_q64_kv64_w4_s1 †‡");
  EXPECT_EQ(lines[6], "  ‡ fewer than 5 samples of one of its times, or an interval wider than 10 %");
}

TEST(Table, MarksRowsThatTieWithTheBest) {
  const std::vector<Record> records = {ok_record(sample_problem(), "scalar", {4, 4, 4, 1}, 10),
                                       ok_record(sample_problem(), "wmma", {32, 64, 4, 1}, 5.05),
                                       ok_record(sample_problem(), "mma", {64, 64, 4, 1}, 5)};
  const std::vector<std::string> lines = lines_of(render_table(records, {}));
  EXPECT_EQ(lines[2].substr(0, 8), "  scalar");
  EXPECT_EQ(lines[3].substr(0, 6), "= wmma");
  EXPECT_EQ(lines[4].substr(0, 5), "* mma");
}

TEST(Table, EndsWithTheConclusionOnce) {
  std::ostringstream out;
  TableSink sink(out, {.baseline = "scalar/*"});
  for (const Record& record : sample_records()) sink.add(record);
  sink.finish();
  const std::string text = out.str();
  expect_contains(text, "\n\nConclusion\n  seed: mma/fp16_d64_q64_kv64_w4_s2 is 41.3 ± ");
  expect_contains(lines_of(text).back(), " × the baseline over 2 problems; ");
  sink.finish();
  EXPECT_EQ(out.str(), text);
}

TEST(Table, PrintsAProblemAsSoonAsItIsComplete) {
  std::ostringstream out;
  int erased = 0;
  TableSink sink(out, {.before_output = [&] { ++erased; }});
  sink.add(ok_record(sample_problem("one"), "scalar", {4, 4, 4, 1}, 10));
  EXPECT_EQ(out.str(), "");
  sink.add(ok_record(sample_problem("one"), "mma", {64, 64, 4, 1}, 5));
  EXPECT_EQ(out.str(), "");
  sink.end_problem();
  expect_contains(out.str(), "one  batch 1");
  EXPECT_EQ(erased, 1);
  sink.add(ok_record(sample_problem("two"), "scalar", {4, 4, 4, 1}, 10));
  sink.finish();
  expect_contains(out.str(), "\n\ntwo  batch 1");
  sink.finish();
  EXPECT_EQ(erased, 3);  // two tables and the conclusion
}

TEST(Table, ReasonsCannotMoveTheCursor) {
  const std::string text = render_table(
      {failed_record(sample_problem("a\nb"), "mma", {64, 64, 4, 1}, Status::error, "first\n\x1b[2Jsecond")},
      {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(lines_of(text).size(), 3u);
}

TEST(Text, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("µs ±×–"), 6);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("e\xcc\x81"), 1);  // e and a combining accent
  EXPECT_EQ(display_width("\xff\xc3"), 2);
  EXPECT_EQ(align_right("µs", 4), "  µs");
  EXPECT_EQ(align_left("µs", 4), "µs  ");
  EXPECT_EQ(elide("日本語", 5), "日本…");
  EXPECT_EQ(elide("abc", 3), "abc");
}

TEST(Text, NumbersKeepTheirDigits) {
  EXPECT_EQ(format_significant(9.312345, 4), "9.312");
  EXPECT_EQ(format_significant(9.9996, 4), "10.00");
  EXPECT_EQ(format_significant(931.26, 4), "931.3");
  EXPECT_EQ(format_significant(20481.6, 4), "20482");
  EXPECT_EQ(format_significant(0.001234, 3), "0.00123");
  EXPECT_EQ(format_significant(0, 3), "0");
  EXPECT_EQ(format_error(2.44e-4), "2.4e-4");
  EXPECT_EQ(format_error(7.87), "7.9e+0");
  EXPECT_EQ(format_error(3e-12), "3.0e-12");
  EXPECT_EQ(format_error(0), "0");
}

const Json kEnvironment = {{"time", "2026-01-02T03:04:05Z"}, {"version", "0.1.0"}};
const Json kConfig = {{"problems", {{{"name", "seed"}}}}};

// A busy disk may use the budget of writing up, so that not each record is written at once.
TEST(JsonSink, WritesTheGoldenFileAndHasTheFirstRecordAtOnce) {
  const TemporaryFolder folder;
  const auto path = folder / "new folder/results.json";
  JsonSink sink(path, kEnvironment, kConfig);
  std::size_t count = 0;
  for (const Record& record : sample_records()) {
    sink.add(record);
    const std::size_t written = read_results(path).records.size();
    EXPECT_GE(written, 1u);
    EXPECT_LE(written, ++count);
  }
  sink.finish();
  EXPECT_EQ(read_results(path).records.size(), count);
  expect_golden("report/results.json", read_file(path));
  EXPECT_EQ(nlohmann::json(read_results(path).environment), nlohmann::json(kEnvironment));
}

TEST(JsonSink, APreviewStandsBehindTheRecordsUntilTheyAreFinal) {
  const TemporaryFolder folder;
  const auto records_in = [&] { return read_results(folder / "results.json").records; };
  JsonSink sink(folder / "results.json", kEnvironment, kConfig);
  const std::vector<Record> some = {sample_records().front(), sample_records().back()};
  sink.preview(7, some);
  EXPECT_EQ(records_in().size(), 2u);
  sink.add(some[0]);
  sink.finish();
  EXPECT_EQ(records_in().size(), 3u);
  sink.preview(7, {});
  sink.finish();
  EXPECT_EQ(records_in().size(), 1u);
}

TEST(JsonSink, ANewFileHasNoRecordsUntilTheFirstAndIsRemovedIfNoneComes) {
  const TemporaryFolder folder;
  {
    const JsonSink sink(folder / "results.json", kEnvironment, kConfig);
    EXPECT_TRUE(read_results(sink.path()).records.empty());
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "results.json"));
  JsonSink sink(folder / "results.json", kEnvironment, kConfig);
  sink.finish();
  EXPECT_TRUE(read_results(sink.path()).records.empty());
}

TEST(JsonSink, AnEarlierFileStaysUntilTheFirstRecord) {
  const TemporaryFolder folder;
  const auto path = folder / "results.json";
  {
    JsonSink earlier(path, kEnvironment, kConfig);
    for (const Record& record : sample_records()) earlier.add(record);
  }
  const JsonSink sink(path, kEnvironment, kConfig);
  EXPECT_EQ(read_results(path).records.size(), sample_records().size());
}

TEST(CsvSink, WritesTheGoldenFile) {
  const TemporaryFolder folder;
  const auto path = folder / "results.csv";
  CsvSink sink(path);
  for (const Record& record : sample_records()) sink.add(record);
  expect_golden("report/results.csv", read_file(path));
}

TEST(CsvSink, RowsHaveTheHeadersColumns) {
  const auto count_commas = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
  EXPECT_EQ(count_commas(csv_row(failed_record(sample_problem(), "mma", {}, Status::error, "x"))),
            count_commas(csv_header()));
}

TEST(GrowingFile, WritesLessOftenWhenWritingIsDear) {
  const TemporaryFolder folder;
  const std::string entry(4 << 20, 'x');
  int on_disk = 0;
  int entries = 0;
  {
    GrowingFile file(folder / "big", FileKind::csv, "", "", "");
    // Rewriting megabytes hundreds of times would take minutes; the rule bounds it by about half a second.
    for (std::uintmax_t size = 0; entries < 400; ++entries) {
      file.append(entry);
      if (std::filesystem::file_size(file.path()) != size) ++on_disk;
      size = std::filesystem::file_size(file.path());
      if (entries > on_disk) break;
    }
    EXPECT_LT(on_disk, 400);
  }
  // The destructor wrote what was held back.
  EXPECT_EQ(std::filesystem::file_size(folder / "big"), entry.size() * static_cast<std::size_t>(entries + 1));
}

TEST(AtomicFile, AFullDiskLeavesTheEarlierFile) {
  const TemporaryFolder folder;
  const auto path = folder / "results.json";
  write_atomically(path, {"earlier"});
  // A limit on the size of files fails as a full disk does: write() stops part of the way.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_atomically(path, {std::string(5000, 'x')});
  } catch (const EnvironmentError& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, previous);
  expect_contains(message, path.string() + ": cannot be written; the old content is kept: File too large");
  EXPECT_EQ(read_file(path), "earlier");
  const std::filesystem::directory_iterator files(folder / "");
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(AtomicFile, KeepsSymbolicLinks) {
  const TemporaryFolder folder;
  write_atomically(folder / "target", {"old"});
  std::filesystem::create_symlink(folder / "target", folder / "link");
  write_atomically(folder / "link", {"n", "ew"});
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "target"), "new");
}

TEST(AtomicFile, RefusesWhatCannotBeWrittenBeforeAnyWork) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "results.json");
  EXPECT_THROW(JsonSink(folder / "results.json", kEnvironment, kConfig), EnvironmentError);
  write_atomically(folder / "file", {"x"});
  EXPECT_THROW(CsvSink(folder / "file/results.csv"), EnvironmentError);
}

}  // namespace
}  // namespace flashcore
