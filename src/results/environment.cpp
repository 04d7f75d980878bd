#include "results/environment.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/build_info.hpp"
#include "base/hash.hpp"
#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "device/device.hpp"
#include "device/nvml.hpp"
#include "results/device_json.hpp"

namespace flashcore {
namespace {

Json git_json(const BuildInfo& build) {
  if (build.git_commit.empty()) return {{"reason", "no git checkout could be read when this was built"}};
  return {{"commit", build.git_commit}, {"dirty", build.git_dirty}};
}

Json build_json(const BuildInfo& build) {
  Json json = {
      {"type", build.build_type}, {"cxx_compiler", build.cxx_compiler}, {"cxx_flags", build.cxx_flags}};
  if (!build.cuda_compiler.empty()) {
    json["cuda_compiler"] = build.cuda_compiler;
    json["cuda_flags"] = build.cuda_flags;
    json["cuda_architectures"] = build.cuda_architectures;
  }
  return json;
}

Json cuda_json(const CudaStatus& cuda) {
  Json json = {{"compiled_in", cuda.compiled_in}};
  if (!cuda.driver_version.empty()) json["driver_version"] = cuda.driver_version;
  if (!cuda.runtime_version.empty()) json["runtime_version"] = cuda.runtime_version;
  if (!cuda.problem.empty()) json["reason"] = cuda.problem;
  return json;
}

// Without free_memory_bytes, which differs from run to run.
Json device_json(const DeviceInfo& device) {
  Json json = {{"backend", to_string(device.backend)}, {"name", device.name}};
  if (device.limits.compute_capability > 0) {
    json["compute_capability"] =
        fmt::format("{}.{}", device.limits.compute_capability / 10, device.limits.compute_capability % 10);
    json["max_smem_bytes_per_block"] = device.limits.max_smem_bytes_per_block;
  }
  json["num_sms"] = device.limits.num_sms;
  json["memory_bytes"] = device.memory_bytes;
  json["l2_bytes"] = device.l2_bytes;
  if (device.memory_bus_bits > 0) json["memory_bus_bits"] = device.memory_bus_bits;
  if (device.memory_clock_mhz > 0) json["memory_clock_mhz"] = device.memory_clock_mhz;
  return json;
}

Json nvml_json(const std::string& pci_bus_id) {
  const NvmlDevice device(pci_bus_id);
  if (!device.problem().empty()) return {{"reason", device.problem()}};
  const NvmlDeviceInfo& info = device.info();
  Json json = Json::object();
  if (!info.driver_version.empty()) json["driver_version"] = info.driver_version;
  FieldWriter fields(json);
  fields.optional("max_sm_clock_mhz", info.max_sm_clock_mhz);
  fields.optional("max_mem_clock_mhz", info.max_mem_clock_mhz);
  fields.optional("power_limit_w", info.power_limit_w);
  fields.optional("ecc", info.ecc);
  return json;
}

// The PRETTY_NAME of os-release(5), without its quotes; empty where there is none.
std::string os_name() {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kKey)) continue;
    line.erase(0, kKey.size());
    std::erase(line, '"');
    return line;
  }
  return "";
}

Json host_json(const DeviceInfo& cpu, bool with_hostname) {
  Json json = {{"cpu", cpu.name}, {"cores", std::thread::hardware_concurrency()}, {"threads", cpu_threads()}};
  if (const std::optional<double> load = cpu_load()) json["load_1min"] = *load;
  if (const std::string os = os_name(); !os.empty()) json["os"] = os;
  if (utsname names{}; ::uname(&names) == 0) {
    json["kernel"] = fmt::format("{} {} {}", names.sysname, names.release, names.machine);
    if (with_hostname) json["hostname"] = names.nodename;
  }
  return json;
}

}  // namespace

Json make_environment(const EnvironmentRequest& request) {
  const BuildInfo& build = build_info();
  Json json = {{"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
               {"version", build.version},
               {"git", git_json(build)},
               {"build", build_json(build)},
               {"cuda", cuda_json(request.cuda)},
               {"device", device_json(request.device)},
               {"host", host_json(request.host_cpu, request.hostname)},
               {"command_line", request.command_line},
               {"config_hash", config_hash(request.config)}};
  const DeviceInfo& device = request.device;
  if (!device.pci_bus_id.empty()) json["nvml"] = nvml_json(device.pci_bus_id);
  if (Json ceilings = ceilings_json(device); !ceilings.is_null()) json["ceilings"] = std::move(ceilings);
  if (!device.code_problem.empty()) json["code_hash"] = {{"reason", device.code_problem}};
  return json;
}

std::string config_hash(const Json& config) {
  // nlohmann::json, unlike Json, sorts its keys.
  return hash_hex(json_text(nlohmann::json(config)));
}

}  // namespace flashcore
