// flashcore-bench list: lists the variants of this program.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_text.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"
#include "cli/command.hpp"
#include "config/plan.hpp"
#include "device/device.hpp"
#include "execute/open_device.hpp"
#include "registry/registry.hpp"
#include "registry/selector.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

using Variants = std::vector<const Variant*>;
using Json = nlohmann::ordered_json;

struct ListOptions {
  std::vector<std::string> globs;
  std::map<std::string, std::vector<std::string>> filters;  // attribute, allowed values
  std::string device;                                       // empty: do not show what can run
  bool json = false;
};

Variants filtered(const ListOptions& options) {
  Selector globs;
  for (const std::string& glob : options.globs) globs.add_glob(glob, "list");
  Variants variants = globs.select(all_variants());
  for (const auto& [attribute, allowed] : options.filters) {
    if (allowed.empty()) continue;
    Selector filter;
    filter.add_filters({{attribute, allowed}}, "--" + attribute);
    variants = filter.select(variants);
  }
  return variants;
}

Json variant_json(const Variant& variant, const std::optional<DeviceInfo>& device) {
  Json spec = {{"dtype", to_string(variant.spec.dtype)}};
  for (const SpecField& field : kSpecFields) spec[std::string(field.name)] = field.get(variant.spec);
  Json entry = {
      {"id", variant.id()},      {"family", variant.family},         {"backend", to_string(variant.backend)},
      {"spec", std::move(spec)}, {"smem_bytes", variant.smem_bytes}, {"summary", variant.summary}};
  if (device) {
    const std::string reason = ask_support(variant, target_of(*device)).reason;
    entry["runs_here"] = reason.empty();
    if (!reason.empty()) entry["reason"] = reason;
  }
  return entry;
}

std::string variant_table(const Variants& variants, const std::optional<DeviceInfo>& device) {
  TextTable table({{"id", Align::left, 0, Cut::middle},
                   {"backend", Align::left, 2},
                   {"smem", Align::right, 1},
                   {"runs here", Align::left, 0, Cut::end},
                   {"summary", Align::left, 3, Cut::end}});
  for (const Variant* variant : variants) {
    const std::string smem = variant->smem_bytes == 0 ? "" : format_bytes(variant->smem_bytes);
    std::string runs_here;
    if (device) {
      const std::string reason = ask_support(*variant, target_of(*device)).reason;
      runs_here = reason.empty() ? "yes" : "no: " + reason;
    }
    table.add({variant->id(), std::string(to_string(variant->backend)), smem, runs_here,
               std::string(variant->summary)});
  }
  return table.text({.width = output_width()});
}

void log_left_out_families() {
  std::map<Backend, std::vector<std::string_view>> needs;
  for (const DeclaredFamily& family : declared_families()) {
    if (!family.compiled_in) needs[family.backend].push_back(family.name);
  }
  for (const auto& [backend, names] : needs) {
    spdlog::info("this program was built without {}, which these families need: {}", to_string(backend),
                 fmt::join(names, ", "));
  }
}

ExitCode list_variants(const ListOptions& options) {
  const Variants variants = filtered(options);
  std::optional<DeviceInfo> device;
  if (!options.device.empty()) device = open_device(parse_device(options.device, "--device"))->device();
  if (options.json) {
    Json entries = Json::array();
    for (const Variant* variant : variants) entries.push_back(variant_json(*variant, device));
    fmt::print("{}\n", json_text(entries, 2));
    return ExitCode::ok;
  }
  fmt::print("{}", variant_table(variants, device));
  log_left_out_families();
  return ExitCode::ok;
}

}  // namespace

void add_list_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ListOptions>();
  CLI::App* list = app.add_subcommand("list", "List the variants of this program in ladder order");
  list->add_option("globs", options->globs,
                   "Select variants by globs over ids, such as \"wmma/*\"; a leading ! excludes")
      ->type_name("GLOB");
  list->add_option("--device", options->device, "Show which variants can run on auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE");
  list->add_flag("--json", options->json, kJsonHelp);
  add_plugin_timeout(*list);
  for (std::string_view attribute : attribute_names()) {
    list->add_option("--" + std::string(attribute), options->filters[std::string(attribute)],
                     "Show only variants with one of these values, separated by commas")
        ->type_name(is_numeric_attribute(attribute) ? "N" : "NAME")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group("Filters");
  }
  list->callback(
      [options, &action] { action = [options](const Session&) { return list_variants(*options); }; });
}

}  // namespace flashcore
