// What a merge says of the shards of a sweep.
#include "tune/coverage.hpp"

#include <gtest/gtest.h>

#include "unit/support/sample_records.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

const Fingerprint kCard{.backend = Backend::cuda, .device = "Card", .driver = "1"};
const Fingerprint kOtherDriver{.backend = Backend::cuda, .device = "Card", .driver = "2"};

Problem problem_of(std::int64_t seq) {
  return {.name = "p_" + std::to_string(seq), .heads_q = 1, .heads_kv = 1, .seq_q = seq, .seq_kv = seq};
}

// A journal of a sweep over the sequence lengths 1 to 7 in 3 shards.
Journal journal_of(const Fingerprint& fingerprint, std::string shard) {
  Journal journal{
      .path = "j.jsonl",
      .identity = {.fingerprint = fingerprint, .code = "c", .plan = "p", .shard = std::move(shard)}};
  journal.config =
      Json::parse(R"({"problems": {"name": "p", "heads_q": 1, "seq_q": [1, 2, 3, 4, 5, 6, 7]}})");
  return journal;
}

void add_record(Journal& journal, const Problem& problem, Status status) {
  Record record = testing::ok_record(problem, "mma", {32, 64, 4, 2}, 10);
  record.status = status;
  journal.entries.push_back({"2026-01-01T00:00:00Z", {record, false}});
}

TunedEntry entry_of(const Fingerprint& fingerprint, std::int64_t seq, std::optional<double> clock = {}) {
  return {.problem = problem_of(seq), .fingerprint = fingerprint, .sm_clock_mhz = clock};
}

TEST(Coverage, NamesMissingProblemsAndShards) {
  Coverage coverage;
  coverage.add(journal_of(kCard, "1/3"));
  TunedTable table;
  for (const std::int64_t seq : {1, 4, 3}) table.entries.push_back(entry_of(kCard, seq));
  const std::vector<SweepGaps> gaps = coverage.gaps(table);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].problems, 7u);
  EXPECT_EQ(gaps[0].missing.size(), 4u);
  EXPECT_EQ(gaps[0].shards, 3);
  EXPECT_EQ(gaps[0].missing_shards, (std::vector<std::int64_t>{1, 2, 3}));  // of the lengths 7, 2 and 5, 6
}

TEST(Coverage, AnotherDriverIsAnotherSweep) {
  Coverage coverage;
  coverage.add(journal_of(kCard, "1/3"));
  coverage.add(journal_of(kOtherDriver, "2/3"));
  TunedTable table;
  for (std::int64_t seq = 1; seq <= 7; ++seq) {
    table.entries.push_back(entry_of(seq == 5 ? kOtherDriver : kCard, seq));
  }
  const std::vector<SweepGaps> gaps = coverage.gaps(table);
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[0].missing_shards, std::vector<std::int64_t>{2});
  EXPECT_EQ(gaps[1].missing.size(), 6u);
}

TEST(Coverage, AProblemWithoutARightCandidateIsDone) {
  Journal journal = journal_of(kCard, "1/3");
  const std::vector<Problem> problems = make_plan(JsonDocument(journal.config.dump(), "c"), "").problems;
  add_record(journal, problems[0], Status::incorrect);
  add_record(journal, problems[3], Status::incorrect);
  add_record(journal, problems[3], Status::ok);  // cut off before its finalists
  Coverage coverage;
  coverage.add(journal);
  const std::vector<SweepGaps> gaps = coverage.gaps({});
  EXPECT_EQ(gaps[0].without_winner, std::vector<std::string>{problems[0].name});
  EXPECT_EQ(gaps[0].missing.size(), 6u);
}

TEST(Coverage, RangesOfNumbers) {
  const auto text = [](const std::vector<std::int64_t>& numbers) { return ranges_text(numbers); };
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({4}), "4");
  EXPECT_EQ(text({1, 2, 3, 7, 9, 10}), "1-3,7,9-10");
}

TEST(ClockSpread, NamesFilesFarFromMost) {
  ClockSpread spread;
  const auto add = [&](const char* path, double clock, double lower) {
    const TunedEntry entries[] = {entry_of(kCard, 1, clock), entry_of(kCard, 2, lower), entry_of(kCard, 3)};
    spread.add(path, entries);
  };
  add("a", 1980, 1500);  // a large problem at its power limit
  add("b", 1935, 1935);
  EXPECT_TRUE(spread.sentences().empty());
  add("c", 1200, 1200);
  ASSERT_EQ(spread.sentences().size(), 1u);
  EXPECT_EQ(spread.sentences()[0].substr(0, 28), "c: Card ran at 1200 MHz, mos");
}

}  // namespace
}  // namespace flashcore
