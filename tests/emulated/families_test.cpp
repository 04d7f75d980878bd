// Every CUDA family of the manifest has a test on the emulated machine, in its own folder.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace flashcore::emulated {
namespace {

struct Unit {
  std::string_view family, backend;
};

#define KERNEL(family, file, backend) {#family, #backend},
constexpr Unit kUnits[] = {
#include "kernels/manifest.def"
};
#undef KERNEL

struct Exception {
  std::string_view family;
  std::string_view reason;
};
constexpr Exception kExceptions[] = {
    {"peer_cudnn", "its kernels are cuDNN's, which come without source"},
};

bool is_exception(std::string_view family) {
  for (const Exception& exception : kExceptions) {
    if (exception.family == family) return true;
  }
  return false;
}

// Families of the tests in this program, by the folder of their source: kernels/<family>/emulated_test.cpp.
std::set<std::string, std::less<>> tested_families() {
  std::set<std::string, std::less<>> families;
  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *program.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string_view file = suite.GetTestInfo(j)->file();
      constexpr std::string_view kName = "/emulated_test.cpp";
      if (!file.ends_with(kName)) continue;
      const std::string_view folder = file.substr(0, file.size() - kName.size());
      families.emplace(folder.substr(folder.rfind('/') + 1));
    }
  }
  return families;
}

// Kernels of the backend "cpu" need no machine: they run as they are in the unit tests.
TEST(EmulatedFamilies, EveryCudaFamilyHasATest) {
  const auto tested = tested_families();
  for (const Unit& unit : kUnits) {
    if (unit.backend == "cpu" || is_exception(unit.family)) continue;
    EXPECT_TRUE(tested.contains(unit.family))
        << "kernels/" << unit.family << "/emulated_test.cpp is missing or has no test";
  }
}

TEST(EmulatedFamilies, NoExceptionHasATest) {
  const auto tested = tested_families();
  for (const Exception& exception : kExceptions)
    EXPECT_FALSE(tested.contains(exception.family)) << exception.family;
}

}  // namespace
}  // namespace flashcore::emulated
