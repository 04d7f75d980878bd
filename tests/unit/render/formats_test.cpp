// The registry of output formats, and what is held to it: the config's schema.
#include "render/formats.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/words.hpp"
#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

TEST(Formats, NamesStandOnceAndEachShowsSomething) {
  std::set<std::string_view> names;
  for (const OutputFormat* format : output_formats()) {
    EXPECT_TRUE(names.insert(format->name).second) << format->name;
    EXPECT_FALSE(format->meaning.empty()) << format->name;
    EXPECT_TRUE(std::ranges::any_of(kAll<Content>, [&](Content content) {
      return format->can_show(content);
    })) << format->name;
  }
}

// What commands print with unless a flag says otherwise.
TEST(Formats, TheTableShowsEverything) {
  for (const Content content : kAll<Content>) {
    EXPECT_TRUE(kTable.can_show(content)) << to_string(content);
  }
}

TEST(Formats, AnExtensionNamesOneFormatOfEachContent) {
  for (const Content content : kAll<Content>) {
    std::set<std::string_view> extensions;
    for (const std::string_view extension : format_extensions(content)) {
      EXPECT_TRUE(extensions.insert(extension).second) << extension;
      EXPECT_NE(find_format_of("a" + std::string(extension), content), nullptr) << extension;
    }
  }
  EXPECT_EQ(find_format_of("gate.xml", Content::comparison), &kJunit);
  EXPECT_EQ(find_format_of("gate.xml", Content::results), &kJunit);
  EXPECT_EQ(find_format_of("gate.xml", Content::diagnosis), nullptr);
  EXPECT_EQ(find_format_of("gate", Content::comparison), nullptr);
}

// Files of a run have names of their own.
TEST(Formats, ARunWritesOneFormatWithoutAFile) {
  int without_extension = 0;
  for (const std::string_view name : format_names(Content::run)) {
    without_extension += find_format(name, Content::run, "").extensions.front().empty() ? 1 : 0;
  }
  EXPECT_EQ(without_extension, 1);
}

TEST(Formats, ErrorsNameTheNearestOfThoseThatCan) {
  EXPECT_EQ(&find_format("junit", Content::comparison, "--format"), &kJunit);
  EXPECT_USAGE_ERROR(find_format("jnuit", Content::comparison, "--format"),
                     "--format: unknown format \"jnuit\", did you mean junit?");
  EXPECT_USAGE_ERROR(find_format("junit", Content::history, "--format"),
                     "--format: junit cannot show a history; one of: table, json");
}

TEST(Formats, TheConfigsSchemaListsThoseOfARun) {
  const auto schema = nlohmann::json::parse(
      testing::read_file(std::filesystem::path(FLASHCORE_SOURCE_DIR) / "configs/schema/config.schema.json"));
  const auto& formats = schema.at("/definitions/report/properties/formats/oneOf"_json_pointer);
  EXPECT_EQ(formats[0]["enum"], format_names(Content::run));
  EXPECT_EQ(formats[1]["items"]["enum"], format_names(Content::run));
}

}  // namespace
}  // namespace flashcore
