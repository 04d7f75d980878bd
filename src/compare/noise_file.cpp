#include "compare/noise_file.hpp"

#include <fmt/format.h>

#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "base/schema_version.hpp"
#include "base/user_folder.hpp"
#include "device/device.hpp"

namespace flashcore {
namespace {

// A busy machine can reach 1; at 10 nothing can be compared.
constexpr double kMaxSpread = 10;
constexpr std::int64_t kMaxRuns = 1'000'000;

Spread read_spread(const JsonReader& spread) {
  return {.row = require_field(spread, "row").number(0, kMaxSpread),
          .common = require_field(spread, "common").number(0, kMaxSpread)};
}

}  // namespace

std::filesystem::path noise_path(const DeviceInfo& device) {
  const std::filesystem::path folder = user_data_folder("noise");
  return folder.empty() ? folder : folder / (device_folder(device) + ".json");
}

DeviceInfo device_of(const ResultFile& file) {
  const auto text = [&](const char* pointer) { return environment_text(file.environment, pointer); };
  DeviceInfo device;
  device.backend = text("/device/backend") == to_string(Backend::cpu) ? Backend::cpu : Backend::cuda;
  device.name = text("/device/name");
  return device;
}

CalibratedNoise noise_from_json(const JsonReader& root) {
  check_schema_version(root);
  CalibratedNoise noise{.device = require_field(root, "device").string(),
                        .time = require_field(root, "time").string(),
                        .runs = static_cast<std::size_t>(require_field(root, "runs").integer(1, kMaxRuns)),
                        .model = {}};
  const JsonReader spreads = require_field(root, "spreads");
  for (const NoiseClass kind : kAll<NoiseClass>) {
    // Files of older versions do not have these two classes.
    const bool may_be_absent = kind == NoiseClass::foreign || kind == NoiseClass::averaged;
    noise.model.of(kind) = may_be_absent && !spreads.has(to_string(kind))
                               ? default_spread(Backend::cuda, kind)
                               : read_spread(require_field(spreads, to_string(kind)));
  }
  return noise;
}

CalibratedNoise read_noise(const std::filesystem::path& path) {
  const JsonDocument document = read_json_document(path);
  CalibratedNoise noise = noise_from_json(JsonReader(document));
  noise.model.source = fmt::format("measured in {} runs at {} ({})", noise.runs, noise.time, path.string());
  return noise;
}

void write_noise(const OutputTarget& target, const CalibratedNoise& noise) {
  Json json = {{"schema_version", kSchemaVersion},
               {"device", noise.device},
               {"time", noise.time},
               {"runs", noise.runs}};
  for (const NoiseClass kind : kAll<NoiseClass>) {
    const Spread& spread = noise.model.of(kind);
    json["spreads"][to_string(kind)] = {{"row", spread.row}, {"common", spread.common}};
  }
  write_output(target, FileKind::noise, {json_text(json, 2), "\n"});
}

}  // namespace flashcore
