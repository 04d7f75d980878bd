// The words of the result file's schema are those of the program.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "base/json.hpp"
#include "record/record.hpp"
#include "test_paths.hpp"

namespace flashcore {
namespace {

TEST(ResultSchema, HasEveryStatus) {
  std::ifstream file(FLASHCORE_SOURCE_DIR "/configs/schema/result.schema.json");
  const Json schema = Json::parse(file);
  std::set<std::string> described;
  for (const Json& word : schema.at("/definitions/record/properties/status/enum"_json_pointer))
    described.insert(word.get<std::string>());
  const std::set<std::string> written(std::begin(kStatusWords), std::end(kStatusWords));
  EXPECT_EQ(described, written);
}

}  // namespace
}  // namespace flashcore
