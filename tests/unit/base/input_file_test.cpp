#include "base/input_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/atomic_file.hpp"
#include "base/json_document.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

using testing::TemporaryFolder;

TEST(InputFile, EndlessFilesAndFoldersAreRefused) {
  EXPECT_USAGE_ERROR(read_input("/dev/zero"), "/dev/zero: is a device");
  EXPECT_USAGE_ERROR(read_input("/"), "/: is a directory");
  EXPECT_USAGE_ERROR(read_input("/nowhere"), "/nowhere: cannot be opened: No such file");
}

TEST(InputFile, AFifoInAFolderDoesNotBlock) {
  const TemporaryFolder folder;
  const auto fifo = folder / "results.json";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_USAGE_ERROR(read_input(fifo, {.regular_only = true}), "results.json: is a FIFO");
}

TEST(InputFile, LargeFilesAreRefused) {
  const TemporaryFolder folder;
  const auto path = folder / "big";
  write_atomically(path, {std::string(3000, 'x')});
  EXPECT_EQ(read_input(path, {.max_bytes = 3000}).size(), 3000u);
  EXPECT_USAGE_ERROR(read_input(path, {.max_bytes = 2999}), "big: larger than");
}

TEST(JsonInput, TextAfterANulIsNotIgnored) {
  EXPECT_USAGE_ERROR(JsonDocument(std::string_view("{}\n\0{", 5), "f"),
                     "f: line 2, column 1: not valid JSON: a NUL");
}

TEST(JsonInput, DeepNestingIsRefused) {
  EXPECT_USAGE_ERROR(JsonDocument(std::string(50'000, '['), "f"), "f: is nested deeper than 64 levels");
  EXPECT_NO_THROW(JsonDocument(std::string(60, '[') + std::string(60, ']'), "f"));
}

TEST(JsonInput, NamesHaveNoControlCharacters) {
  const JsonDocument document("{\"output\": \"a\\u0000b\", \"name\": \"a b\"}", "f");
  const JsonReader root(document);
  EXPECT_USAGE_ERROR(root["output"].line(),
                     "f: /output: must have no control characters, but is \"a\\u0000b\"");
  EXPECT_EQ(root["name"].line(), "a b");
}

}  // namespace
}  // namespace flashcore
