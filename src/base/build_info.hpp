// The source and the compilers of this binary.
#pragma once

#include <string>

namespace flashcore {

struct BuildInfo {
  std::string version;       // "0.1.0"
  std::string git_commit;    // empty when built outside a git checkout
  bool git_dirty = false;    // true if tracked files differed from the commit
  std::string build_type;    // "Release"
  std::string cxx_compiler;  // "GNU 12.2.0"
  std::string cxx_flags;
  std::string cuda_compiler;  // "NVIDIA 13.0.48", empty without CUDA
  std::string cuda_flags;
  std::string cuda_architectures;  // "80-real;89-real;90a-real", see base/compiled_architectures.hpp
  std::string cuda_toolkit;        // "13.0.48", whose runtime is linked in; empty without CUDA
  std::string libraries;           // "CLI11 2.3.2, fmt 9.1.0"
};

const BuildInfo& build_info();

// One line: "flashcore-bench 0.1.0 (1a2b3c4d5e6f, modified)".
std::string version_line();

// For --version: that line, then compiler, libraries and CUDA, a line each.
std::string version_text();

}  // namespace flashcore
