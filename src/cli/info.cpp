// flashcore-bench info: shows devices, compiled families, what can run here, and where configs are found.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/build_info.hpp"
#include "base/json_text.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"
#include "cli/command.hpp"
#include "config/lookup.hpp"
#include "device/device.hpp"
#include "execute/open_device.hpp"
#include "registry/registry.hpp"
#include "registry/supports.hpp"
#include "results/device_json.hpp"
#include "tune/dispatch.hpp"

namespace flashcore {
namespace {

struct NamedDevice {
  std::string name;  // a value of --device
  DeviceInfo info;
};

std::vector<NamedDevice> all_devices(const CudaStatus& cuda) {
  std::vector<NamedDevice> devices = {{"cpu", cpu_device()}};
  for (std::size_t i = 0; i < cuda.devices.size(); ++i) {
    devices.push_back({fmt::format("cuda:{}", i), cuda.devices[i]});
  }
  return devices;
}

// How many variants of a family can run on this machine.
struct FamilyStatus {
  DeclaredFamily family;
  std::size_t variants = 0;
  std::size_t run_here = 0;            // variants that can run on at least one device
  std::map<std::string, int> reasons;  // why the others cannot, with their number
};

std::vector<FamilyStatus> family_statuses(const std::vector<NamedDevice>& devices, const CudaStatus& cuda) {
  std::vector<FamilyStatus> statuses;
  for (const DeclaredFamily& family : declared_families()) {
    FamilyStatus status{.family = family, .reasons = {}};
    for (const Variant* variant : all_variants()) {
      if (variant->family != family.name) continue;
      ++status.variants;
      std::string why = variant->backend == Backend::cuda ? cuda.problem : "";
      for (const NamedDevice& device : devices) {
        if (device.info.backend != variant->backend) continue;
        why = ask_support(*variant, target_of(device.info)).reason;
        if (why.empty()) break;
      }
      if (why.empty()) {
        ++status.run_here;
      } else {
        ++status.reasons[why];
      }
    }
    if (!family.compiled_in) {
      ++status.reasons[fmt::format("not compiled in: it needs {}", to_string(family.backend))];
    }
    statuses.push_back(std::move(status));
  }
  return statuses;
}

Json device_json(const NamedDevice& device) {
  const DeviceInfo& info = device.info;
  Json entry = {{"device", device.name},
                {"name", info.name},
                {"backend", to_string(info.backend)},
                {"memory_bytes", info.memory_bytes},
                {"free_memory_bytes", info.free_memory_bytes},
                {"l2_bytes", info.l2_bytes}};
  if (info.backend == Backend::cpu) {
    entry["cores"] = info.limits.num_sms;
  } else {
    entry["compute_capability"] =
        fmt::format("{}.{}", info.limits.compute_capability / 10, info.limits.compute_capability % 10);
    entry["num_sms"] = info.limits.num_sms;
    entry["max_smem_bytes_per_block"] = info.limits.max_smem_bytes_per_block;
  }
  if (Json ceilings = ceilings_json(info); !ceilings.is_null()) entry["ceilings"] = std::move(ceilings);
  return entry;
}

// Opens each CUDA device and measures its ceilings.
void probe_devices(CudaStatus& cuda) {
  for (std::size_t i = 0; i < cuda.devices.size(); ++i) {
    try {
      const auto executor = open_device({DeviceRequest::Kind::cuda, static_cast<int>(i)});
      executor->measure_ceilings();
      cuda.devices[i] = executor->device();
    } catch (const EnvironmentError& error) {
      cuda.devices[i].ceilings_problem = error.what();
    }
  }
}

// The table that "auto" takes on each device.
Json tuned_tables_json(const std::vector<NamedDevice>& devices) {
  Json tables = Json::array();
  for (const NamedDevice& device : devices) {
    const Fingerprint here = make_fingerprint(device.info);
    const TunedTable table = find_tuned_table(here);
    if (table.entries.empty()) continue;
    const auto usable = std::ranges::count(table.entries, here, &TunedEntry::fingerprint);
    tables.push_back({{"device", device.name}, {"table", table.path}, {"problems", usable}});
  }
  return tables;
}

Json make_info(const CudaStatus& cuda) {
  const std::vector<NamedDevice> devices = all_devices(cuda);
  Json info = {{"version", version_line()},
               {"cuda",
                {{"compiled_in", cuda.compiled_in},
                 {"driver_version", cuda.driver_version},
                 {"runtime_version", cuda.runtime_version},
                 {"problem", cuda.problem}}}};
  info["devices"] = Json::array();
  for (const NamedDevice& device : devices) info["devices"].push_back(device_json(device));
  info["families"] = Json::array();
  for (const FamilyStatus& status : family_statuses(devices, cuda)) {
    Json reasons = Json::array();
    for (const auto& [reason, count] : status.reasons) reasons.push_back(reason);
    info["families"].push_back({{"family", status.family.name},
                                {"backend", to_string(status.family.backend)},
                                {"compiled_in", status.family.compiled_in},
                                {"variants", status.variants},
                                {"run_here", status.run_here},
                                {"reasons", std::move(reasons)}});
  }
  info["config_places"] = Json::array();
  for (const SearchPlace& place : config_search_places()) {
    info["config_places"].push_back(
        {{"folder", place.folder.string()}, {"reason", place.reason}, {"exists", place.exists}});
  }
  info["configs"] = shipped_configs();
  info["tuned_tables"] = tuned_tables_json(devices);
  info["table_places"] = Json::array();
  for (const TablePlace& place : table_places()) {
    info["table_places"].push_back({{"folder", place.folder}, {"reason", place.reason}});
  }
  info["models"] = shipped_models();
  return info;
}

std::string device_line(const Json& device) {
  const std::string memory = format_bytes(device["memory_bytes"].get<double>());
  const std::string cache = format_bytes(device["l2_bytes"].get<double>());
  if (device.contains("cores")) {
    return fmt::format("{} cores, {} memory, {} last-level cache", device["cores"].get<int>(), memory, cache);
  }
  return fmt::format("compute capability {}, {} SMs, {} memory, {} L2, {} shared memory per block",
                     device["compute_capability"].get<std::string>(), device["num_sms"].get<int>(), memory,
                     cache, format_bytes(device["max_smem_bytes_per_block"].get<double>()));
}

// "copy 2.9 TB/s, mma.sync 610 TFLOP/s, wgmma 780 TFLOP/s, ex2 3.9 T/s".
std::string ceilings_line(const Json& ceilings) {
  if (ceilings.contains("reason")) {
    return fmt::format("ceilings not measured: {}", ceilings["reason"].get<std::string>());
  }
  const auto tera = [&](const char* key) {
    return format_significant(ceilings[key].get<double>() * 1e-12, 3);
  };
  std::string line =
      fmt::format("copy {} TB/s, mma.sync {} TFLOP/s", tera("copy_bytes_per_s"), tera("mma_flops_per_s"));
  if (ceilings.contains("wgmma_flops_per_s")) {
    line += fmt::format(", wgmma {} TFLOP/s", tera("wgmma_flops_per_s"));
  }
  return line + fmt::format(", ex2 {} T/s", tera("exp2_per_s"));
}

std::string text(const Json& value) { return value.get<std::string>(); }

// Families that are not compiled in share a line per backend.
std::string family_table(const Json& families, const TableLayout& layout) {
  TextTable table({{"families"},
                   {"backend"},
                   {"variants", Align::right},
                   {"run here", Align::right},
                   {"", Align::left, 0, Cut::end}});
  std::map<std::string, std::string> left_out;  // by backend
  for (const Json& family : families) {
    const std::string name = text(family["family"]);
    const std::string backend = text(family["backend"]);
    if (!family["compiled_in"].get<bool>()) {
      std::string& names = left_out[backend];
      names += (names.empty() ? "" : ", ") + name;
      continue;
    }
    std::string why;
    for (const Json& reason : family["reasons"]) why += (why.empty() ? "" : "; ") + text(reason);
    table.add({"  " + name, backend, std::to_string(family["variants"].get<int>()),
               std::to_string(family["run_here"].get<int>()), why});
  }
  std::string result = table.text(layout);
  for (const auto& [backend, names] : left_out) {
    result +=
        wrap(fmt::format("  not compiled in, since they need {}: {}", backend, names), layout.width, 4) +
        "\n";
  }
  return result;
}

std::string tables_text(const Json& info, const TableLayout& layout) {
  TextTable tables({{}, {"", Align::left, 0, Cut::middle}, {"", Align::left, 0, Cut::end}});
  for (const Json& table : info["tuned_tables"]) {
    tables.add({"  " + text(table["device"]), text(table["table"]),
                fmt::format("{} problems with this driver", table["problems"].get<std::int64_t>())});
  }
  std::string result = "\ntuned tables\n" + tables.text(layout);
  std::string folders = "  looked for in:";
  for (const Json& place : info["table_places"]) folders += " " + text(place["folder"]);
  return result + wrap(folders, layout.width, 4) + "\n";
}

std::string info_text(const Json& info) {
  const TableLayout layout{.width = output_width()};
  const Json& cuda = info["cuda"];
  TextTable devices({{}, {"", Align::left, 0, Cut::middle}, {"", Align::left, 0, Cut::end}});
  for (const Json& device : info["devices"]) {
    devices.add({"  " + text(device["device"]), text(device["name"]), device_line(device)});
    if (device.contains("ceilings")) devices.add({"", "", ceilings_line(device["ceilings"])});
  }
  std::string result = text(info["version"]) + "\n\ndevices\n" + devices.text(layout);
  if (const std::string problem = text(cuda["problem"]); !problem.empty()) {
    result += fmt::format("  no CUDA device: {}\n", problem);
  } else {
    result += fmt::format("  CUDA driver {}, runtime {}\n", text(cuda["driver_version"]),
                          text(cuda["runtime_version"]));
  }
  result += "\n" + family_table(info["families"], layout);
  TextTable places({{"", Align::left, 0, Cut::middle}, {}});
  for (const Json& place : info["config_places"]) {
    const char* missing = place["exists"].get<bool>() ? "" : " (does not exist)";
    places.add({"  " + text(place["folder"]), text(place["reason"]) + missing});
  }
  result += tables_text(info, layout);
  result += "\nconfig folders\n" + places.text(layout);
  for (const char* kind : {"configs", "models"}) {
    std::string names = fmt::format("  shipped {}:", kind);
    for (const Json& name : info[kind]) names += " " + text(name);
    result += wrap(names, layout.width, 4) + "\n";
  }
  result.pop_back();
  return result;
}

ExitCode print_info(bool json, bool probe) {
  CudaStatus cuda = cuda_status();
  if (probe) probe_devices(cuda);
  const Json info = make_info(cuda);
  fmt::print("{}\n", json ? json_text(info, 2) : info_text(info));
  return ExitCode::ok;
}

}  // namespace

void add_info_command(CLI::App& app, Action& action) {
  const auto json = std::make_shared<bool>(false);
  const auto probe = std::make_shared<bool>(false);
  CLI::App* info = app.add_subcommand(
      "info", "Show devices, limits, compiled families, what can run here, and where configs are found");
  info->add_flag("--json", *json, kJsonHelp);
  add_plugin_timeout(*info);
  info->add_flag("--probe", *probe, "Measure the peak throughput of each CUDA device; takes about a second");
  info->callback([json, probe, &action] {
    action = [json, probe](const Session&) { return print_info(*json, *probe); };
  });
}

}  // namespace flashcore
