#include "base/output_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/input_file.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;
using testing::read_file;
using testing::TemporaryFolder;

constexpr std::string_view kResults = "{\"schema_version\":1,\n\"records\":[]}\n";

class OutputFileTest : public ::testing::Test {
 protected:
  void SetUp() override { note_inputs(true); }
  void TearDown() override { note_inputs(false); }

  fs::path file(const char* name, std::string_view text) const {
    write_atomically(folder / name, {text});
    return folder / name;
  }
  std::size_t count_files() const {
    const fs::directory_iterator files(folder / "");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  TemporaryFolder folder;
};

TEST_F(OutputFileTest, ReplacesItsOwnKindAndNothingElse) {
  const fs::path own = file("own.json", kResults);
  write_output(own, FileKind::results, {kResults});
  EXPECT_USAGE_ERROR(
      write_output(own, FileKind::tuned_table, {"x"}),
      "--output: " + own.string() + " exists and is not a tuned table of this program; --force");
  EXPECT_EQ(read_file(own), kResults);
  const fs::path foreign = file("notes.md", "# Notes\n");
  EXPECT_USAGE_ERROR(write_output({foreign, "--write"}, FileKind::markdown, {"x"}), "--write: ");
  write_output({foreign, "--write", true}, FileKind::markdown, {"x"});
  EXPECT_EQ(read_file(foreign), "x");
}

TEST_F(OutputFileTest, AnEmptyFileHoldsNothingToLose) {
  write_output(file("empty", ""), FileKind::csv, {"problem.name,"});
  EXPECT_EQ(read_file(folder / "empty"), "problem.name,");
}

TEST_F(OutputFileTest, AnInputIsNotReplacedByWhateverPath) {
  const fs::path input = file("input.json", kResults);
  const fs::path later = file("later.json", kResults);
  fs::create_symlink("input.json", folder / "link.json");
  fs::create_hard_link(input, folder / "hard.json");
  OutputFile opened_before(later, FileKind::results);
  read_input(folder / "link.json");
  read_input(later);
  for (const char* name : {"input.json", "link.json", "hard.json"}) {
    EXPECT_USAGE_ERROR(write_output({folder / name, "-o", true}, FileKind::results, {"x"}), "is an input");
  }
  EXPECT_USAGE_ERROR(opened_before.replace({"x"}), "later.json is an input");
  EXPECT_EQ(read_file(input), kResults);
}

TEST_F(OutputFileTest, OneWriterAtATime) {
  const fs::path path = folder / "results.json";
  OutputFile first(path, FileKind::results, kResults);
  EXPECT_USAGE_ERROR(OutputFile(path, FileKind::results), "is being written by another run");
  first.replace({kResults});
  EXPECT_USAGE_ERROR(OutputFile(path, FileKind::results), "is being written by another run");
}

TEST_F(OutputFileTest, ANewNameIsTakenOnce) {
  OutputTarget target(folder / "results.json");
  target.must_be_new = true;
  const OutputFile first(target, FileKind::results, kResults);
  EXPECT_THROW(OutputFile(target, FileKind::results), FileExists);
}

TEST_F(OutputFileTest, KeepsTheModeAndTheLink) {
  const fs::path path = file("results.json", kResults);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  fs::create_symlink("results.json", folder / "link");
  write_output(folder / "link", FileKind::results, {kResults, " "});
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms{0640});
  EXPECT_EQ(count_files(), 2u);
}

TEST_F(OutputFileTest, ALinkToNothingIsKept) {
  fs::create_symlink("later", folder / "link");
  write_output(folder / "link", FileKind::results, {kResults});
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "later"), kResults);
}

TEST_F(OutputFileTest, DevicesAndFifosAreWrittenToAndStay) {
  write_output(fs::path("/dev/null"), FileKind::results, {kResults});
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  const fs::path fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::string received;
  std::jthread reader([&] { received = read_input(fifo); });
  write_output(fifo, FileKind::results, {kResults});
  reader.join();
  EXPECT_EQ(received, kResults);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST_F(OutputFileTest, NamesThatAKillLeftAreRemoved) {
  const fs::path left = file(".flashcore-0123456789abcdef", "x");
  const fs::path other = file(".flashcore-notes", "x");
  const fs::path in_use = file(".flashcore-fedcba9876543210", "x");
  const Descriptor locked(::open(in_use.c_str(), O_RDONLY));
  ASSERT_EQ(::flock(locked.get(), LOCK_EX | LOCK_NB), 0);
  write_output(folder / "t.csv", FileKind::csv, {"problem.name,"});
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(other));
  EXPECT_TRUE(fs::exists(in_use));
}

TEST_F(OutputFileTest, ARefusalLeavesNothing) {
  const fs::path path = folder / "new.json";
  { const OutputFile file(path, FileKind::results, kResults); }
  EXPECT_EQ(count_files(), 0u);
  write_output(path, FileKind::results, {kResults});
  { const OutputFile file(path, FileKind::results); }
  EXPECT_EQ(read_file(path), kResults);
}

TEST(FileKind, IsKnownByKeysAtTheirPlace) {
  EXPECT_TRUE(is_of_kind(FileKind::results, "{\"schema_version\": 1, \"config\": {}, \"records\": ["));
  EXPECT_FALSE(is_of_kind(FileKind::results, "{\"config\": {\"schema_version\": 1, \"records\": []}}"));
  EXPECT_FALSE(is_of_kind(FileKind::results, "records schema_version"));
  EXPECT_TRUE(
      is_of_kind(FileKind::smaller_is_better, "[{\"name\": \"a\", \"range\": \"1\", \"extra\": \"b\"}]"));
  EXPECT_TRUE(is_of_kind(FileKind::bencher, "{\"a/b\": {\"latency\": {\"value\": 1, \"lower_value\": 1}}}"));
  EXPECT_FALSE(is_of_kind(FileKind::bencher, "{\"a\": {\"b\": {\"lower_value\": 1}}}"));
}

}  // namespace
}  // namespace flashcore
