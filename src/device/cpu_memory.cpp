#include "device/cpu_memory.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace flashcore {
namespace {

// The value of a line "MemAvailable:   123 kB" of /proc/meminfo in bytes; 0 if the line is missing.
std::int64_t meminfo_bytes(const std::string& key) {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::string unit;
  std::int64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    std::getline(file, unit);
    if (name == key + ":") return kilobytes * 1024;
  }
  return 0;
}

// A number from a file of the control group (version 2); -1 if there is no such file or it contains "max".
std::int64_t control_group_bytes(const char* file_name) {
  std::ifstream file(std::string("/sys/fs/cgroup/") + file_name);
  std::int64_t bytes = 0;
  return file >> bytes ? bytes : -1;
}

}  // namespace

std::int64_t free_host_memory_bytes() {
  const std::int64_t available = meminfo_bytes("MemAvailable");
  const std::int64_t limit = control_group_bytes("memory.max");
  if (limit < 0) return available;
  return std::clamp<std::int64_t>(limit - control_group_bytes("memory.current"), 0, available);
}

std::int64_t total_host_memory_bytes() {
  const std::int64_t total = meminfo_bytes("MemTotal");
  const std::int64_t limit = control_group_bytes("memory.max");
  return limit < 0 ? total : std::min(limit, total);
}

}  // namespace flashcore
