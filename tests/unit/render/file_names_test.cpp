#include "render/file_names.hpp"

#include <gtest/gtest.h>

namespace flashcore {
namespace {

using Names = std::vector<std::string>;

TEST(ShortNames, AreTheLastPartsThatTellFilesApart) {
  EXPECT_EQ(short_names(Names{"/home/me/a.json", "b.json"}), (Names{"a.json", "b.json"}));
  EXPECT_EQ(short_names(Names{"/r/h100/x/a.json", "/r/h200/x/a.json", "/r/c.json"}),
            (Names{"h100/x/a.json", "h200/x/a.json", "c.json"}));
  EXPECT_EQ(short_names(Names{"a.json", "old/a.json"}), (Names{"a.json", "old/a.json"}));
  EXPECT_EQ(short_names(Names{"./a.json", "a.json"}), (Names{"a.json", "a.json (2)"}));
  EXPECT_EQ(short_names(Names{"/", ""}).size(), 2U);
  EXPECT_TRUE(short_names({}).empty());
}

}  // namespace
}  // namespace flashcore
