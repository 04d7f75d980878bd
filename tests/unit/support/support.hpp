// Helpers of several tests: golden files, temporary folders, searches in texts.
//
// Golden files hold expected output and are compared as text. To accept an intended change, run
// FLASHCORE_UPDATE_GOLDEN=1 build/…/tests/flashcore_tests and read `git diff tests/golden`.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "test_paths.hpp"

namespace flashcore::testing {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void expect_contains(std::string_view text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string_view::npos) << "\"" << part << "\" is not in: " << text;
}

// `name` is relative to tests/golden.
inline void expect_golden(std::string_view name, std::string_view actual) {
  const auto path = std::filesystem::path(FLASHCORE_SOURCE_DIR) / "tests/golden" / name;
  if (std::getenv("FLASHCORE_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << actual;
  }
  ASSERT_TRUE(std::filesystem::exists(path)) << path << " is missing; FLASHCORE_UPDATE_GOLDEN=1 writes it";
  EXPECT_EQ(read_file(path), actual) << "differs from " << path << "; FLASHCORE_UPDATE_GOLDEN=1 replaces it";
}

// A temporary folder. The destructor deletes it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flashcore-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot create a temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace flashcore::testing
