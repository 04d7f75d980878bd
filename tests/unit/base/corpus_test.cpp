// Reads the fuzzing corpus (seeds and past findings) in every build; needs neither clang nor a fuzzer.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "fuzz/readers.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = FLASHCORE_SOURCE_DIR;

class Corpus : public ::testing::TestWithParam<fuzz::Reader> {};

int replay(const fuzz::Reader& reader, const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_NO_THROW(reader.read(testing::read_file(entry.path()))) << entry.path();
    ++count;
  }
  return count;
}

TEST_P(Corpus, IsReadOrRejected) {
  EXPECT_GE(replay(GetParam(), kSource / "tests/fuzz/corpus" / GetParam().name), 3);
}

INSTANTIATE_TEST_SUITE_P(Readers, Corpus, ::testing::ValuesIn(fuzz::kReaders),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(CorpusSeeds, ShippedConfigsAndGoldenFilesAreReadToo) {
  EXPECT_GE(replay(fuzz::kReaders[0], kSource / "configs"), 5);
  EXPECT_GE(replay(fuzz::kReaders[1], kSource / "tests/golden/report"), 3);
}

}  // namespace
}  // namespace flashcore
