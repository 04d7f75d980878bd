#include "render/page_record.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "conclude/shortfall.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

// The fields of a record that the page shows.
constexpr std::string_view kShownFields[] = {"/variant",
                                             "/family",
                                             "/status",
                                             "/reason",
                                             "/spec/block_q",
                                             "/spec/block_kv",
                                             "/check/max_abs",
                                             "/check/rel_l2",
                                             "/check/limit/rel_l2",
                                             "/percent_of_peak",
                                             "/energy_per_call_j",
                                             "/roofline/arithmetic_floor_us",
                                             "/roofline/exponential_floor_us",
                                             "/roofline/memory_floor_us",
                                             "/roofline/bound",
                                             "/roofline/percent_of_floor",
                                             "/resources/registers",
                                             "/resources/smem_bytes",
                                             "/resources/spill_bytes",
                                             "/resources/threads",
                                             "/resources/blocks_per_sm",
                                             "/resources/occupancy",
                                             "/resources/waves"};

// The same for each timing.
constexpr std::string_view kShownTimingFields[] = {"median", "ci95", "n"};

// Six significant digits are more than any measurement has, and halve the page.
Json rounded(Json json) {
  if (json.is_number_float()) return std::strtod(fmt::format("{:.6g}", json.get<double>()).c_str(), nullptr);
  if (json.is_array()) {
    for (Json& item : json) item = rounded(std::move(item));
  }
  return json;
}

}  // namespace

std::span<const std::string_view> shown_fields() { return kShownFields; }

Json page_record(const Record& record, std::size_t problem, const MeasurePolicy& rule, Samples samples) {
  const Json whole = to_json(record);
  Json shown = {{"problem", problem}};
  if (shortfall(record, rule).any()) shown["falls_short"] = true;
  const auto show = [&](const std::string& field) {
    const Json::json_pointer pointer{field};
    if (whole.contains(pointer)) shown[pointer] = rounded(whole.at(pointer));
  };
  for (const std::string_view field : kShownFields) show(std::string(field));
  for (const TimingMode mode : kAll<TimingMode>) {
    const auto& timing = record.timings[mode];
    if (!timing) continue;
    for (const std::string_view field : kShownTimingFields) {
      show(fmt::format("/timing/{}/{}", timing_field(mode), field));
    }
    if (samples == Samples::all || (samples == Samples::headline && &*timing == record.headline())) {
      show(fmt::format("/timing/{}/samples", timing_field(mode)));
    }
    if (record.roofline && record.roofline_timing() == &*timing) {
      shown["roofline"]["clock"] = timing_field(mode);
    }
  }
  return shown;
}

}  // namespace flashcore
