#include "device/nvml.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

namespace flashcore {
namespace {

// Types and constants from the NVML API reference, so that the build does not need nvml.h.
using DeviceHandle = struct nvmlDevice_st*;   // nvmlDevice_t
using Return = int;                           // nvmlReturn_t
constexpr Return kSuccess = 0;                // NVML_SUCCESS
constexpr int kClockSm = 1;                   // NVML_CLOCK_SM
constexpr int kClockMem = 2;                  // NVML_CLOCK_MEM
constexpr int kTemperatureGpu = 0;            // NVML_TEMPERATURE_GPU
constexpr unsigned kFieldPowerAverage = 185;  // NVML_FI_DEV_POWER_AVERAGE, over one second
constexpr unsigned kFieldPowerInstant = 186;  // NVML_FI_DEV_POWER_INSTANT
constexpr unsigned kDriverVersionBytes = 80;  // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE

// nvmlFieldValue_t
struct FieldValue {
  unsigned field_id;
  unsigned scope_id;  // power: 0 is the GPU, 1 the whole module
  std::int64_t timestamp_us;
  std::int64_t latency_us;
  unsigned value_type;
  Return code;
  union {
    double as_double;
    unsigned as_unsigned;
    unsigned long long as_unsigned_long_long;
  } value;
};

struct Api {
  Return (*init)();
  Return (*shutdown)();
  const char* (*error_string)(Return);
  Return (*device_by_pci_bus_id)(const char*, DeviceHandle*);
  // A driver may lack the functions below. Their values are then absent.
  Return (*driver_version)(char*, unsigned);
  Return (*clock_mhz)(DeviceHandle, int, unsigned*);
  Return (*max_clock_mhz)(DeviceHandle, int, unsigned*);
  Return (*power_mw)(DeviceHandle, unsigned*);
  Return (*enforced_limit_mw)(DeviceHandle, unsigned*);
  Return (*energy_mj)(DeviceHandle, unsigned long long*);
  Return (*temperature_c)(DeviceHandle, int, unsigned*);
  Return (*event_reasons)(DeviceHandle, unsigned long long*);
  Return (*ecc_mode)(DeviceHandle, int*, int*);
  Return (*field_values)(DeviceHandle, int, FieldValue*);
};

template <class Function>
void bind(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

Api bind_all(void* library) {
  Api api{};
  bind(library, "nvmlInit_v2", api.init);
  bind(library, "nvmlShutdown", api.shutdown);
  bind(library, "nvmlErrorString", api.error_string);
  bind(library, "nvmlDeviceGetHandleByPciBusId_v2", api.device_by_pci_bus_id);
  bind(library, "nvmlSystemGetDriverVersion", api.driver_version);
  bind(library, "nvmlDeviceGetClockInfo", api.clock_mhz);
  bind(library, "nvmlDeviceGetMaxClockInfo", api.max_clock_mhz);
  bind(library, "nvmlDeviceGetPowerUsage", api.power_mw);
  bind(library, "nvmlDeviceGetEnforcedPowerLimit", api.enforced_limit_mw);
  bind(library, "nvmlDeviceGetTotalEnergyConsumption", api.energy_mj);
  bind(library, "nvmlDeviceGetTemperature", api.temperature_c);
  bind(library, "nvmlDeviceGetCurrentClocksEventReasons", api.event_reasons);
  if (api.event_reasons == nullptr) {  // drivers before 535
    bind(library, "nvmlDeviceGetCurrentClocksThrottleReasons", api.event_reasons);
  }
  bind(library, "nvmlDeviceGetEccMode", api.ecc_mode);
  bind(library, "nvmlDeviceGetFieldValues", api.field_values);
  return api;
}

// The result of a function of the form f(arguments..., Value*); nothing if it is missing or fails.
template <class Value, class... Parameters, class... Arguments>
std::optional<Value> query(Return (*function)(Parameters...), Arguments... arguments) {
  Value value{};
  if (function == nullptr || function(arguments..., &value) != kSuccess) return std::nullopt;
  return value;
}

template <class Value>
std::optional<double> scaled(std::optional<Value> value, double unit) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value) * unit;
}

constexpr double kMilli = 1e-3;

}  // namespace

struct NvmlDevice::Session {
  void* library = nullptr;
  Api api{};
  DeviceHandle device = nullptr;
  bool initialised = false;

  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (initialised) api.shutdown();
    if (library != nullptr) dlclose(library);
  }

  // Returns the reason of a failure, or an empty string.
  std::string open(const std::string& pci_bus_id);
  std::string failure(const char* doing, Return code) const;
  NvmlDeviceInfo info() const;
  std::optional<double> power_field_w(unsigned field) const;
};

std::string NvmlDevice::Session::failure(const char* doing, Return code) const {
  return fmt::format("NVML, {}: {}", doing, api.error_string(code));
}

std::string NvmlDevice::Session::open(const std::string& pci_bus_id) {
  const char* named = std::getenv("FLASHCORE_NVML");
  const bool is_named = named != nullptr && *named != '\0';
  library = dlopen(is_named ? named : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fmt::format("{}{}", is_named ? "FLASHCORE_NVML: " : "no NVML: ", dlerror());
  api = bind_all(library);
  if (api.init == nullptr || api.shutdown == nullptr || api.error_string == nullptr ||
      api.device_by_pci_bus_id == nullptr) {
    return "no NVML: the library lacks required functions";
  }
  if (const Return code = api.init(); code != kSuccess) return failure("initialising", code);
  initialised = true;
  if (const Return code = api.device_by_pci_bus_id(pci_bus_id.c_str(), &device); code != kSuccess) {
    return failure(fmt::format("looking for device {}", pci_bus_id).c_str(), code);
  }
  return {};
}

NvmlDeviceInfo NvmlDevice::Session::info() const {
  NvmlDeviceInfo info;
  char version[kDriverVersionBytes] = "";
  if (api.driver_version != nullptr && api.driver_version(version, sizeof(version)) == kSuccess) {
    info.driver_version = version;
  }
  info.max_sm_clock_mhz = scaled(query<unsigned>(api.max_clock_mhz, device, kClockSm), 1);
  info.max_mem_clock_mhz = scaled(query<unsigned>(api.max_clock_mhz, device, kClockMem), 1);
  info.power_limit_w = scaled(query<unsigned>(api.enforced_limit_mw, device), kMilli);
  int current = 0;
  int pending = 0;  // after the next reboot
  if (api.ecc_mode != nullptr && api.ecc_mode(device, &current, &pending) == kSuccess) {
    info.ecc = current != 0;
  }
  return info;
}

std::optional<double> NvmlDevice::Session::power_field_w(unsigned field) const {
  FieldValue value{};
  value.field_id = field;
  if (api.field_values == nullptr || api.field_values(device, 1, &value) != kSuccess) return std::nullopt;
  if (value.code != kSuccess) return std::nullopt;
  return value.value.as_unsigned * kMilli;
}

NvmlDevice::NvmlDevice(const std::string& pci_bus_id) : session_(std::make_unique<Session>()) {
  problem_ = session_->open(pci_bus_id);
  if (problem_.empty()) {
    info_ = session_->info();
  } else {
    session_.reset();
  }
}

NvmlDevice::~NvmlDevice() = default;
NvmlDevice::NvmlDevice(NvmlDevice&&) noexcept = default;
NvmlDevice& NvmlDevice::operator=(NvmlDevice&&) noexcept = default;

TelemetryReading NvmlDevice::read() const {
  TelemetryReading reading;
  reading.time = TelemetryClock::now();
  if (session_ == nullptr) return reading;
  const Api& api = session_->api;
  const DeviceHandle device = session_->device;
  reading.sm_clock_mhz = scaled(query<unsigned>(api.clock_mhz, device, kClockSm), 1);
  reading.mem_clock_mhz = scaled(query<unsigned>(api.clock_mhz, device, kClockMem), 1);
  reading.throttle_reasons = query<unsigned long long>(api.event_reasons, device);
  reading.power_w = session_->power_field_w(kFieldPowerInstant);
  if (!reading.power_w) reading.power_w = scaled(query<unsigned>(api.power_mw, device), kMilli);
  reading.power_average_w = session_->power_field_w(kFieldPowerAverage);
  reading.energy_j = scaled(query<unsigned long long>(api.energy_mj, device), kMilli);
  reading.temperature_c = scaled(query<unsigned>(api.temperature_c, device, kTemperatureGpu), 1);
  return reading;
}

}  // namespace flashcore
