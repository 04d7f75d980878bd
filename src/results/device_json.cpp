#include "results/device_json.hpp"

#include "base/json_fields.hpp"

namespace flashcore {
namespace {

void ceiling_fields(auto&& io, auto& ceilings) {
  io.required("copy_bytes_per_s", ceilings.copy_bytes_per_s);
  io.required("mma_flops_per_s", ceilings.mma_flops_per_s);
  io.optional("wgmma_flops_per_s", ceilings.wgmma_flops_per_s);
  io.required("exp2_per_s", ceilings.exp2_per_s);
}

void device_fields(auto&& io, auto& device) {
  io.required("backend", device.backend);
  io.required("name", device.name);
  io.required("compute_capability", device.limits.compute_capability);
  io.required("max_smem_bytes_per_block", device.limits.max_smem_bytes_per_block);
  io.required("num_sms", device.limits.num_sms);
  io.required("memory_bytes", device.memory_bytes);
  io.required("free_memory_bytes", device.free_memory_bytes);
  io.required("l2_bytes", device.l2_bytes);
  io.optional("max_sm_clock_mhz", device.max_sm_clock_mhz);
  io.required("memory_bus_bits", device.memory_bus_bits);
  io.required("memory_clock_mhz", device.memory_clock_mhz);
  io.required("pci_bus_id", device.pci_bus_id);
  io.optional("fma_flops_per_s", device.fma_flops_per_s);
  io.required("ceilings_problem", device.ceilings_problem);
  io.required("code_problem", device.code_problem);
}

Json measured_ceilings(const DeviceInfo& device) {
  Json json;
  ceiling_fields(FieldWriter(json), *device.ceilings);
  return json;
}

}  // namespace

Json ceilings_json(const DeviceInfo& device) {
  if (!device.ceilings_problem.empty()) return {{"reason", device.ceilings_problem}};
  return device.ceilings ? measured_ceilings(device) : Json(nullptr);
}

Json device_to_json(const DeviceInfo& device) {
  Json json;
  device_fields(FieldWriter(json), device);
  if (device.ceilings) json["ceilings"] = measured_ceilings(device);
  return json;
}

DeviceInfo device_from_json(const JsonReader& reader) {
  DeviceInfo device;
  device_fields(FieldReader(reader), device);
  if (const auto ceilings = find_field(reader, "ceilings")) {
    ceiling_fields(FieldReader(*ceilings), device.ceilings.emplace());
  }
  return device;
}

}  // namespace flashcore
