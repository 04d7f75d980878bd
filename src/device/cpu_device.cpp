// The CPU of this machine.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "device/cpu_memory.hpp"
#include "device/device.hpp"
#include "device/played_card.hpp"
#include "kernels/common/cpu_threads.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kFallbackCacheBytes = 8 << 20;

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

// Bytes from a text of the Linux kernel such as "32768K" or "1M".
std::int64_t cache_size_bytes(const std::string& path) {
  std::ifstream file(path);
  std::int64_t size = 0;
  char unit = 0;
  if (!(file >> size)) return 0;
  file >> unit;
  return unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size;
}

// The size of the largest cache of the first core.
std::int64_t last_level_cache_bytes() {
  constexpr int kMaxCaches = 8;
  std::int64_t largest = 0;
  for (int index = 0; index < kMaxCaches; ++index) {
    const std::string cache = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    largest = std::max(largest, cache_size_bytes(cache + "/size"));
  }
  return largest > 0 ? largest : kFallbackCacheBytes;
}

}  // namespace

DeviceInfo cpu_device() {
  DeviceInfo info;
  info.name = processor_name();
  info.limits.num_sms = kernels::thread_count();
  info.memory_bytes = total_host_memory_bytes();
  info.free_memory_bytes = free_host_memory_bytes();
  info.l2_bytes = last_level_cache_bytes();
  if (const std::optional<PlayedCard> card = played_card()) {
    info.name = card->name + ", played by " + info.name;
    info.max_sm_clock_mhz = card->sm_clock_mhz;
  }
  return info;
}

void set_cpu_threads(int count) {
  ::setenv("OMP_NUM_THREADS", std::to_string(count).c_str(), 1);
  kernels::set_thread_count(count);
}

int cpu_threads() { return kernels::thread_count(); }

std::optional<double> cpu_load() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? std::optional(load) : std::nullopt;
}

}  // namespace flashcore
