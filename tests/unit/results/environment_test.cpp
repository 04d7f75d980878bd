#include "results/environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "base/build_info.hpp"
#include "test_paths.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

EnvironmentRequest sample_request() {
  EnvironmentRequest request;
  request.device = {.backend = Backend::cuda,
                    .name = "NVIDIA L4",
                    .limits = {.compute_capability = 89, .max_smem_bytes_per_block = 101376, .num_sms = 58},
                    .memory_bytes = std::int64_t{24} << 30,
                    .l2_bytes = std::int64_t{48} << 20};
  request.host_cpu.name = "A processor";
  request.host_cpu.limits.num_sms = 16;
  request.cuda.compiled_in = true;
  request.cuda.driver_version = "13.0";
  request.cuda.runtime_version = "12.4";
  request.command_line = {"flashcore-bench", "--config"};
  request.config = Json::object();
  return request;
}

TEST(Environment, SaysWhereAResultCameFrom) {
  const Json environment = make_environment(sample_request());
  EXPECT_TRUE(std::regex_match(environment["time"].get<std::string>(),
                               std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
  EXPECT_EQ(environment["version"], build_info().version);
  EXPECT_EQ(environment["device"]["name"], "NVIDIA L4");
  EXPECT_EQ(environment["device"]["compute_capability"], "8.9");
  EXPECT_EQ(environment["cuda"]["driver_version"], "13.0");
  EXPECT_EQ(environment["host"]["cpu"], "A processor");
  EXPECT_EQ(environment["command_line"].dump(), R"(["flashcore-bench","--config"])");
  testing::expect_contains(environment["build"]["cxx_compiler"].get<std::string>(), ".");
}

TEST(Environment, TellsWhatTheDriverSaysOfTheDevice) {
  EnvironmentRequest request = sample_request();
  EXPECT_FALSE(make_environment(request).contains("nvml"));
  request.device.pci_bus_id = "0000:1b:00.0";
  ::setenv("FLASHCORE_NVML", FLASHCORE_FAKE_NVML, 1);
  EXPECT_EQ(
      make_environment(request)["nvml"].dump(),
      R"({"driver_version":"580.95.05","max_sm_clock_mhz":1980.0,"max_mem_clock_mhz":2619.0,"power_limit_w":700.0,"ecc":true})");
  ::setenv("FLASHCORE_NVML", "/nonexistent/libnvml.so", 1);
  const Json without = make_environment(request)["nvml"];
  ::unsetenv("FLASHCORE_NVML");
  testing::expect_contains(without.value("reason", ""), "/nonexistent/libnvml.so");
  EXPECT_EQ(without.size(), 1u);
}

TEST(Environment, HasTheCeilingsOrWhyThereAreNone) {
  EnvironmentRequest request = sample_request();
  EXPECT_FALSE(make_environment(request).contains("ceilings"));
  EXPECT_FALSE(make_environment(request).contains("code_hash"));
  request.device.ceilings = {.copy_bytes_per_s = 2.5e11, .mma_flops_per_s = 1e14, .exp2_per_s = 2e12};
  Json ceilings = make_environment(request)["ceilings"];
  EXPECT_EQ(
      ceilings.dump(),
      R"({"copy_bytes_per_s":250000000000.0,"mma_flops_per_s":100000000000000.0,"exp2_per_s":2000000000000.0})");
  request.device.ceilings->wgmma_flops_per_s = 6e14;
  EXPECT_EQ(make_environment(request)["ceilings"]["wgmma_flops_per_s"], 6e14);
  request.device.ceilings_problem = "no memory";
  request.device.code_problem = "compressed";
  EXPECT_EQ(make_environment(request)["ceilings"].dump(), R"({"reason":"no memory"})");
  EXPECT_EQ(make_environment(request)["code_hash"].dump(), R"({"reason":"compressed"})");
}

TEST(Environment, LeavesTheHostnameOutUnlessAsked) {
  EnvironmentRequest request = sample_request();
  EXPECT_FALSE(make_environment(request)["host"].contains("hostname"));
  request.hostname = true;
  EXPECT_TRUE(make_environment(request)["host"].contains("hostname"));
}

// Values from another implementation of FNV-1a.
TEST(ConfigHash, IsFnv1aOfTheCanonicalText) {
  EXPECT_EQ(config_hash(Json::object()), "08f44b07b5901a25");
  EXPECT_EQ(config_hash(Json::parse(R"({"b": [1, 2.5], "a": "x"})")), "8ffac2b4de122aa6");
}

TEST(ConfigHash, DoesNotDependOnTheOrderOfKeys) {
  EXPECT_EQ(config_hash(Json::parse(R"({"a": {"c": 1, "d": 2}, "b": 2})")),
            config_hash(Json::parse(R"({"b": 2, "a": {"d": 2, "c": 1}})")));
  EXPECT_NE(config_hash(Json::parse(R"({"a": [1, 2]})")), config_hash(Json::parse(R"({"a": [2, 1]})")));
}

TEST(BuildInfo, VersionLineNamesTheProgram) {
  EXPECT_TRUE(version_line().starts_with("flashcore-bench " + build_info().version));
}

}  // namespace
}  // namespace flashcore
