// Where and from what a result came: the "environment" object of a result file.
#pragma once

#include <string>
#include <vector>

#include "report/json.hpp"
#include "run/device.hpp"

namespace flashcore {

// What this binary was made from, fixed when it was built.
struct BuildInfo {
  std::string version;       // of the program, "0.1.0"
  std::string git_commit;    // empty when built outside of a git checkout
  bool git_dirty = false;    // tracked files differed from the commit
  std::string build_type;    // "Release"
  std::string cxx_compiler;  // "GNU 12.2.0"
  std::string cxx_flags;
  std::string cuda_compiler;  // "NVIDIA 13.0.48", empty without CUDA
  std::string cuda_flags;
  std::string cuda_architectures;  // "80-real,89-real,90a-real"
};

const BuildInfo& build_info();

// One line for --version: "flashcore-bench 0.1.0 (1a2b3c4d5e6f, modified)".
std::string version_line();

struct EnvironmentRequest {
  DeviceInfo device;
  CudaStatus cuda;
  std::vector<std::string> command_line;
  Json config;            // its hash goes into the environment
  bool hostname = false;  // a machine's name is private unless asked for
};

// Throws nothing: what cannot be found out is absent.
Json make_environment(const EnvironmentRequest& request);

// 64-bit FNV-1a of the config's text with sorted keys, 16 hexadecimal digits. Equal configs have equal
// hashes whatever the order of their keys.
std::string config_hash(const Json& config);

}  // namespace flashcore
