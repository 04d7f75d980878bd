// A fake libnvidia-ml.so.1 with one invented H100, for tests without a device.
//
// The environment variable FAKE_NVML sets its behaviour. Unset: like a current driver. "no_init" and
// "no_device": initialisation or the search for the device fails. "old": has no power fields. "bare": reports
// no values. "held" and "free": the SM clock is always 1500 MHz or 1980 MHz.
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
constexpr int kNotFound = 6;
constexpr int kDriverNotLoaded = 9;

bool behaves_as(const char* how) {
  const char* set = std::getenv("FAKE_NVML");
  return set != nullptr && std::strcmp(set, how) == 0;
}

template <class T>
int report(T* where, T value) {
  if (behaves_as("bare")) return kNotSupported;
  *where = value;
  return kSuccess;
}

struct FieldValue {
  unsigned field;
  unsigned scope;
  long long timestamp;
  long long latency;
  unsigned type;
  int code;
  unsigned long long value;
};

std::atomic<unsigned> clock_reads{0};
std::atomic<unsigned> energy_reads{0};

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): names from NVML
extern "C" {

int nvmlInit_v2() { return behaves_as("no_init") ? kDriverNotLoaded : kSuccess; }
int nvmlShutdown() { return kSuccess; }

const char* nvmlErrorString(int code) {
  return code == kDriverNotLoaded ? "Driver Not Loaded" : code == kNotFound ? "Not Found" : "Not Supported";
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** device) {
  if (behaves_as("no_device") || std::strcmp(bus_id, "0000:1b:00.0") != 0) return kNotFound;
  *device = &clock_reads;
  return kSuccess;
}

int nvmlSystemGetDriverVersion(char* version, unsigned length) {
  if (behaves_as("bare")) return kNotSupported;
  std::strncpy(version, "580.95.05", length);
  return kSuccess;
}

// The SM clock is 1980 MHz and 1500 MHz in alternating readings.
int nvmlDeviceGetClockInfo(void*, int type, unsigned* mhz) {
  if (type != 1) return report(mhz, 2619u);
  const bool high = behaves_as("free") || (clock_reads++ % 2 == 0 && !behaves_as("held"));
  return report(mhz, high ? 1980u : 1500u);
}

int nvmlDeviceGetMaxClockInfo(void*, int type, unsigned* mhz) {
  return report(mhz, type == 1 ? 1980u : 2619u);
}

int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) { return report(milliwatts, 650'000u); }
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) { return report(milliwatts, 700'000u); }

int nvmlDeviceGetTotalEnergyConsumption(void*, unsigned long long* millijoules) {
  return report(millijoules, 5'000ull * ++energy_reads);
}

int nvmlDeviceGetTemperature(void*, int, unsigned* degrees) { return report(degrees, 61u); }

int nvmlDeviceGetCurrentClocksEventReasons(void*, unsigned long long* reasons) {
  return report(reasons, 0x4ull);
}

int nvmlDeviceGetEccMode(void*, int* current, int* pending) {
  *pending = 0;
  return report(current, 1);
}

int nvmlDeviceGetFieldValues(void*, int count, FieldValue* values) {
  if (behaves_as("old") || behaves_as("bare")) return kNotSupported;
  for (int i = 0; i < count; ++i) {
    values[i].code = values[i].field == 185 || values[i].field == 186 ? kSuccess : kNotSupported;
    values[i].value = values[i].field == 186 ? 698'500 : 640'000;
  }
  return kSuccess;
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
