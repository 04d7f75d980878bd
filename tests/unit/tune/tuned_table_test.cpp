// Tuned tables, journals, and the choice that "auto" makes.
#include "tune/tuned_table.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "device/device.hpp"
#include "registry/default_variant.hpp"
#include "registry/registry.hpp"
#include "results/record_json.hpp"
#include "tune/dispatch.hpp"
#include "tune/journal.hpp"
#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

// The decision, or an empty text.
std::string add_entry(TunedTable& table, const TunedEntry& entry) {
  const std::vector<std::string> decisions = add_entries(table, {&entry, 1});
  return decisions.empty() ? "" : decisions.front();
}

using testing::expect_contains;
using testing::TemporaryFolder;

const Fingerprint kHere{.backend = Backend::cpu, .device = "Abacus", .driver = ""};
constexpr const char* kScalar = "cpu_scalar/fp16_d64";
constexpr const char* kCodeHash = "00f0a1b2c3d4e5f6";

Problem problem_of(std::int64_t seq, const char* name = "p") {
  return {.name = name, .heads_q = 2, .heads_kv = 2, .seq_q = seq, .seq_kv = seq, .scale = 0.125};
}

TunedEntry entry_of(const Problem& problem, const std::string& variant,
                    const std::string& tuned_at = "2026-01-01T00:00:00Z") {
  return {.problem = problem,
          .fingerprint = kHere,
          .tuned_at = tuned_at,
          .winner = {.variant = variant,
                     .code_hash = kCodeHash,
                     .median_us = 10,
                     .ci95_low_us = 9,
                     .ci95_high_us = 11,
                     .samples = 7}};
}

// A variant other than the default one.
std::string other_than_default() {
  const Variant* by_default =
      default_variant(problem_of(8), attention_args(problem_of(8)), target_of(cpu_device()));
  EXPECT_NE(by_default->id(), kScalar);
  return kScalar;
}

Dispatcher dispatcher_of(const TunedTable& table, const std::string& hash = kCodeHash) {
  return {table, kHere, cpu_device().limits, [hash](const Variant&) { return hash; }};
}

Choice choose(const Dispatcher& dispatcher, const Problem& problem) {
  return dispatcher.choose(problem, attention_args(problem));
}

TEST(TunedTable, RoundTrip) {
  const TemporaryFolder folder;
  TunedTable table;
  TunedEntry entry = entry_of(problem_of(512), "mma/fp16_d64_q64_kv64_w4_s2");
  entry.ties.push_back(entry.winner);
  entry.times = {{.variant = "mma/fp16_d64_q64_kv64_w4_s2", .code_hash = kCodeHash, .ratio = 1},
                 {.variant = "mma/fp16_d64_q32_kv64_w4_s2", .ratio = 1.25, .blocks_per_sm = 3}};
  entry.default_variant = "mma/fp16_d64_q32_kv64_w4_s2";
  entry.num_sms = 132;
  EXPECT_EQ(add_entry(table, entry), "");
  {
    OutputFile file(folder / "t.json", FileKind::tuned_table);
    write_tuned_table(table, file);
  }
  const TunedTable read = read_tuned_table(folder / "t.json");
  ASSERT_EQ(read.entries.size(), 1u);
  EXPECT_EQ(read.entries[0].problem, entry.problem);
  EXPECT_EQ(read.entries[0].fingerprint, entry.fingerprint);
  EXPECT_EQ(read.entries[0].winner.code_hash, entry.winner.code_hash);
  EXPECT_EQ(read.entries[0].ties.size(), 1u);
  EXPECT_DOUBLE_EQ(read.entries[0].winner.ci95_high_us, 11);
  ASSERT_EQ(read.entries[0].times.size(), 2u);
  EXPECT_EQ(read.entries[0].times[0].code_hash, kCodeHash);
  EXPECT_EQ(read.entries[0].times[1].ratio, 1.25);
  EXPECT_EQ(read.entries[0].times[1].blocks_per_sm, 3);
  EXPECT_EQ(read.entries[0].default_variant, entry.default_variant);
  EXPECT_EQ(read.entries[0].num_sms, 132);
}

TEST(TunedTable, ErrorsNameTheJsonPointer) {
  EXPECT_USAGE_ERROR(parse_tuned_table(R"({"schema_version":2,"tuned_table":[]})", "t.json"),
                     "/schema_version");
  EXPECT_USAGE_ERROR(parse_tuned_table(R"({"schema_version":1})", "t.json"), "\"tuned_table\" is missing");
  EXPECT_USAGE_ERROR(parse_tuned_table(R"({"schema_version":1,"tuned_table":[{"problem":{}}]})", "t.json"),
                     "t.json: /tuned_table/0/problem");
}

TEST(TunedTable, LaterEntriesReplaceEarlierOnes) {
  TunedTable table;
  add_entry(table, entry_of(problem_of(64, "a"), "x/fp16_d64", "2026-01-02"));
  expect_contains(add_entry(table, entry_of(problem_of(64, "b"), "y/fp16_d64", "2026-01-01")),
                  "x/fp16_d64 of");
  EXPECT_EQ(add_entry(table, entry_of(problem_of(64), "x/fp16_d64", "2026-01-03")), "");
  add_entry(table, entry_of(problem_of(65), "y/fp16_d64"));
  ASSERT_EQ(table.entries.size(), 2u);
  EXPECT_EQ(table.entries[0].tuned_at, "2026-01-03");
}

TEST(Dispatch, ExactThenInterpolatedThenDefault) {
  const std::string tuned = other_than_default();
  TunedTable table{
      .path = "t.json",
      .entries = {entry_of(problem_of(4096, "far"), tuned), entry_of(problem_of(64, "near"), tuned)}};
  const Dispatcher dispatcher = dispatcher_of(table);
  EXPECT_TRUE(dispatcher.stale().empty());
  const Choice exact = choose(dispatcher, problem_of(64, "another name"));
  EXPECT_EQ(exact.variant->id(), tuned);
  EXPECT_EQ(exact.reason, "auto: exact, t.json");
  expect_contains(choose(dispatcher, problem_of(100)).reason, "auto: interpolated from near, t.json");
  Problem causal = problem_of(64);
  causal.causal = true;
  const Choice fallback = choose(dispatcher, causal);
  expect_contains(fallback.reason, "auto: default");
  EXPECT_NE(fallback.variant->id(), tuned);
}

TEST(Dispatch, TheReasonNamesTheRuleAndItsEntries) {
  TunedTable table{.path = "t.json", .entries = {}};
  for (int i = 0; i < 4; ++i) {
    table.entries.push_back(entry_of(problem_of(64 + 8 * i, "abcd"), kScalar));
    table.entries.back().problem.name = std::string(1, static_cast<char>('a' + i));
  }
  const Choice several = choose(dispatcher_of(table), problem_of(66));
  EXPECT_EQ(several.rule, ChoiceRule::interpolated);
  EXPECT_EQ(several.reason, "auto: interpolated from a, b and 2 more, t.json");
  const Problem small = problem_of(66);
  const Variant* by_default = default_variant(small, attention_args(small), target_of(cpu_device()));
  for (TunedEntry& entry : table.entries) {
    entry.default_variant = by_default->id();
    entry.times = {{.variant = kScalar, .code_hash = kCodeHash, .ratio = 1},
                   {.variant = by_default->id(), .code_hash = kCodeHash, .ratio = 1.001}};
  }
  const Choice as_good = choose(dispatcher_of(table), small);
  EXPECT_EQ(as_good.rule, ChoiceRule::by_default);
  EXPECT_EQ(as_good.variant, by_default);
  EXPECT_EQ(as_good.reason, "auto: default, no slower than others on a, b and 2 more, t.json");
}

TEST(Dispatch, StaleEntriesAreNamedAndNotUsed) {
  const Problem problem = problem_of(64);
  const auto stale_because = [&](const TunedEntry& entry, const std::string& hash, std::string_view why) {
    const Dispatcher dispatcher = dispatcher_of({.path = "t.json", .entries = {entry}}, hash);
    ASSERT_EQ(dispatcher.stale().size(), 1u) << why;
    expect_contains(dispatcher.stale().front(), why);
    expect_contains(choose(dispatcher, problem).reason, "auto: default");
  };
  TunedEntry entry = entry_of(problem, kScalar);
  stale_because(entry, "1111111111111111", "the code of cpu_scalar/fp16_d64 changed");
  entry.winner.code_hash = "";
  stale_because(entry, "", "the code of cpu_scalar/fp16_d64 is not known");
  entry.winner.code_hash = kCodeHash;
  entry.fingerprint.device = "Pascaline";
  stale_because(entry, kCodeHash, "t.json: 1 of 1 entries not used: tuned on Pascaline");
  entry.fingerprint = {.backend = Backend::cpu, .device = "Abacus", .driver = "12"};
  stale_because(entry, kCodeHash, "tuned with driver 12");
  stale_because(entry_of(problem, "gone/fp16_d64"), kCodeHash, "gone/fp16_d64 is not in this program");
}

TEST(Dispatch, CausalAndAWindowOfZeroAreOneClass) {
  Problem flag = problem_of(64);
  flag.causal = true;
  Problem window = problem_of(64, "q");
  window.window_right = 0;
  EXPECT_TRUE(is_same_class(flag, window));
  EXPECT_FALSE(is_same_class(flag, problem_of(64)));
}

class JournalTest : public ::testing::Test {
 protected:
  void write() {
    const Json config = {{"problems", Json::object()}};
    JournalWriter writer(path, {.fingerprint = kHere, .code = "c", .plan = "p"}, Json::object(), config);
    const Problem problem = testing::sample_problem();
    const KnownRecord dropped[] = {{testing::ok_record(problem, "mma", {16, 64, 4, 2}, 30), false}};
    const KnownRecord finalists[] = {{testing::ok_record(problem, "mma", {32, 64, 4, 2}, 10), true},
                                     {testing::ok_record(problem, "mma", {64, 64, 4, 2}, 20), true}};
    writer.add(dropped);
    writer.add(finalists);
  }

  TemporaryFolder folder;
  std::filesystem::path path = folder / "j.jsonl";
};

TEST_F(JournalTest, RoundTrips) {
  write();
  const Journal journal = read_journal(path);
  EXPECT_EQ(journal.entries.size(), 3u);
  EXPECT_EQ(journal.whole_bytes, static_cast<std::int64_t>(std::filesystem::file_size(path)));
  const std::vector<TunedEntry> entries = tuned_table(journal).entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].winner.variant, "mma/fp16_d64_q32_kv64_w4_s2");
  EXPECT_TRUE(entries[0].ties.empty());
}

// The winner of some finalists is not the winner of all.
TEST_F(JournalTest, DropsAnIncompleteBatchAndContinues) {
  write();
  const std::string text = testing::read_file(path);
  const std::size_t dropped_end = text.find('\n', text.find('\n') + 1) + 1;
  for (const std::size_t length : {text.size() - 10, text.find('\n', dropped_end) + 1, dropped_end + 10}) {
    const Journal cut = parse_journal(text.substr(0, length), "j.jsonl");
    EXPECT_EQ(cut.entries.size(), 1u) << length;
    EXPECT_EQ(cut.whole_bytes, static_cast<std::int64_t>(dropped_end)) << length;
    EXPECT_TRUE(tuned_table(cut).entries.empty()) << length;
  }
  std::filesystem::resize_file(path, text.size() - 10);
  const Journal journal = read_journal(path);
  {
    JournalWriter writer(journal);
    const KnownRecord again[] = {
        {testing::ok_record(testing::sample_problem(), "wmma", {64, 64, 4, 2}, 20), true}};
    writer.add(again);
  }
  EXPECT_EQ(read_journal(path).entries.size(), 2u);
}

// Each of them stands for itself.
TEST_F(JournalTest, KeepsWholeRecordsOfDroppedCandidates) {
  write();
  {
    JournalWriter writer(read_journal(path));
    const Problem problem = testing::sample_problem();
    const KnownRecord dropped[] = {{testing::ok_record(problem, "wmma", {16, 64, 4, 2}, 30), false},
                                   {testing::ok_record(problem, "wmma", {16, 32, 4, 2}, 30), false}};
    writer.add(dropped);
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);
  EXPECT_EQ(read_journal(path).entries.size(), 4u);
}

TEST_F(JournalTest, ASecondWriterIsRejected) {
  write();
  const Journal journal = read_journal(path);
  const JournalWriter first(journal);
  EXPECT_USAGE_ERROR(JournalWriter(journal), "another sweep is writing");
}

TEST_F(JournalTest, DamagedLinesAreNamedAndSkipped) {
  write();
  const std::string text = testing::read_file(path);
  const std::size_t second = text.find('\n') + 1;
  std::string inserted = text;
  inserted.insert(second, "{}\n");
  Journal journal = parse_journal(inserted, "j.jsonl");
  EXPECT_EQ(journal.entries.size(), 3u);
  ASSERT_EQ(journal.damaged.size(), 1u);
  expect_contains(journal.damaged[0], "j.jsonl, line 2: is damaged: it has no checksum");
  std::string changed = text;
  changed[changed.find("\"median\":", second) + 9] = '4';  // 30 becomes 40: valid JSON
  journal = parse_journal(changed, "j.jsonl");
  EXPECT_EQ(journal.entries.size(), 2u);
  ASSERT_EQ(journal.damaged.size(), 1u);
  expect_contains(journal.damaged[0], "j.jsonl, line 2: is damaged: its checksum is another");
}

TEST_F(JournalTest, ADamagedHeaderIsAnError) {
  write();
  std::string text = testing::read_file(path);
  text[text.find("\"code\":\"c\"") + 8] = 'd';
  EXPECT_USAGE_ERROR(parse_journal(text, "j.jsonl"), "j.jsonl, line 1: is damaged");
  EXPECT_USAGE_ERROR(parse_journal("", "j.jsonl"), "so it is not a journal");
}

TEST_F(JournalTest, KnowsItsBeginning) {
  write();
  const std::string text = testing::read_file(path);
  for (const std::size_t length : {std::size_t{0}, std::size_t{9}, text.find('\n') / 2, text.size()}) {
    EXPECT_TRUE(begins_as_journal(text.substr(0, length))) << length;
  }
  for (const char* other : {"notes", "{\"schema_version\":1,\"records\":[]}", "{}"}) {
    EXPECT_FALSE(begins_as_journal(other)) << other;
  }
}

// As a busy machine gives it, from three samples.
TEST(TunedTable, AnIntervalWithoutAnEndCanBeReadAgain) {
  for (const double high : {5.6e18, std::numeric_limits<double>::infinity()}) {
    Contender contender{.record = testing::ok_record(problem_of(64), "mma", {32, 64, 4, 2}, 10),
                        .finalist = true};
    contender.record.timings[TimingMode::hot]->ci95_high = high;
    const std::size_t best[] = {0};
    TunedTable table{.path = "t"};
    table.entries.push_back(
        make_entry({&contender, 1}, best, {.fingerprint = kHere, .tuned_at = "2026-01-31T12:00:00Z"}));
    const TunedTable again = parse_tuned_table(tuned_table_text(table), "t");
    ASSERT_EQ(again.entries.size(), 1u);
    EXPECT_EQ(again.entries[0].winner.median_us, 10);
  }
}

TEST(TunedTable, RefusesWhatNoClockGave) {
  const auto text = [](std::string_view time, std::string_view variant, std::string_view us) {
    return fmt::format(
        "{{\"schema_version\":1,\"tuned_table\":[{{\"problem\":{},\"fingerprint\":{{\"backend\":\"cpu\","
        "\"device\":"
        "\"d\"}},\"tuned_at\":\"{}\",\"clock\":\"hot\",\"winner\":{{\"variant\":\"{}\",\"median_us\":{},"
        "\"samples\":9,"
        "\"ci95_us\":[1,2]}},\"ties\":[]}}]}}",
        to_json(problem_of(64)).dump(), time, variant, us);
  };
  constexpr std::string_view kTime = "2026-01-31T12:00:00Z";
  EXPECT_NO_THROW(parse_tuned_table(text(kTime, "a/fp16_d64_q8", "1.5"), "t"));
  EXPECT_USAGE_ERROR(parse_tuned_table(text("2026-02-30T12:00:00Z", "a/fp16_d64", "1"), "t"),
                     "tuned_at: must be");
  EXPECT_USAGE_ERROR(parse_tuned_table(text(kTime, "a/bf16_d64", "1"), "t"), "winner/variant");
  EXPECT_USAGE_ERROR(parse_tuned_table(text(kTime, "a/fp16_d640", "1"), "t"), "winner/variant");
  for (const char* us : {"0", "-5", "1e-300", "1e300", "\"nan\""}) {
    EXPECT_USAGE_ERROR(parse_tuned_table(text(kTime, "a/fp16_d64", us), "t"), "winner/median_us");
  }
}

TEST(SweepIdentity, ListsDifferences) {
  const SweepIdentity before{.fingerprint = kHere, .code = "a", .plan = "p"};
  SweepIdentity now = before;
  EXPECT_TRUE(differences(before, now).empty());
  now.code = "b";
  now.fingerprint.device = "Pascaline";
  EXPECT_EQ(differences(before, now),
            (std::vector<std::string>{"device (Abacus, now Pascaline)", "code (a, now b)"}));
}

TEST(SweepIdentity, OlderJournalsDoNotTellTheirShard) {
  SweepIdentity before{.fingerprint = kHere, .code = "a", .plan = "p"};
  SweepIdentity now = before;
  now.shard = "2/6";
  EXPECT_TRUE(differences(before, now).empty());
  before.shard = "1/6";
  EXPECT_EQ(differences(before, now), std::vector<std::string>{"shard (1/6, now 2/6)"});
}

TEST(Fingerprint, IsPartOfAFileName) {
  EXPECT_EQ(file_part({.backend = Backend::cuda, .device = "NVIDIA H100 80GB HBM3", .driver = "580.95.05"}),
            "h100-80gb-hbm3-580-95-05");
  EXPECT_EQ(file_part({.backend = Backend::cpu, .device = "Card A, played by Abacus", .driver = ""}),
            "card-a-played-by-abacus");
}

}  // namespace
}  // namespace flashcore
