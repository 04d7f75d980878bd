#include "device/cpu_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "kernels/reference/difference.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kAlignment = 64;

template <class Word>
constexpr Word kPoison = sizeof(Word) == 2 ? kernels::kPoison16 : kernels::kPoison32;

// A line "MemAvailable:   123 kB" of /proc/meminfo in bytes; 0 when it is not there.
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

// One number of the control group (version 2); -1 when there is none or it is unlimited ("max").
std::int64_t control_group_bytes(const char* file_name) {
  std::ifstream file(std::string("/sys/fs/cgroup/") + file_name);
  std::int64_t bytes = 0;
  return file >> bytes ? bytes : -1;
}

}  // namespace

template <class T>
HostBuffer<T>::HostBuffer(std::int64_t count) : count_(count) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
  const std::size_t rounded = std::max((bytes + kAlignment - 1) / kAlignment, std::size_t{1}) * kAlignment;
  memory_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, rounded)));
  if (memory_ == nullptr) throw OutOfMemoryError(fmt::format("{} bytes of memory could not be taken", bytes));
}

template class HostBuffer<std::uint16_t>;
template class HostBuffer<std::uint32_t>;
template class HostBuffer<float>;
template class HostBuffer<std::byte>;

template <class Word>
GuardedHostTensor<Word>::GuardedHostTensor(std::int64_t span_elements)
    : buffer_(span_elements + 2 * kGuardElements) {
  poison();
}

template <class Word>
void GuardedHostTensor<Word>::poison() {
  std::ranges::fill(buffer_.span(), kPoison<Word>);
}

template <class Word>
std::int64_t GuardedHostTensor<Word>::written_elements() const {
  return std::ranges::count_if(buffer_.span(), [](Word word) { return word != kPoison<Word>; });
}

template class GuardedHostTensor<std::uint16_t>;
template class GuardedHostTensor<std::uint32_t>;

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
