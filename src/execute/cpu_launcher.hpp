// Launches of CPU variants, with the workspace that they ask for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/cpu_memory.hpp"
#include "variant/variant.hpp"

namespace flashcore {

class CpuLauncher {
 public:
  // Throws OutOfMemoryError or EnvironmentError, with the variant's id, when the variant returns an error.
  void launch(const Variant& variant, AttentionArgs args);
  void free_workspace() { *this = {}; }

 private:
  HostBuffer<std::byte> workspace_;
  std::int64_t workspace_bytes_ = 0;
};

}  // namespace flashcore
