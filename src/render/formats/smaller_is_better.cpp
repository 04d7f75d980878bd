// The customSmallerIsBetter form of github-action-benchmark: the new side's times in microseconds.
#include <fmt/format.h>

#include "base/json_text.hpp"
#include "render/comparison_output.hpp"
#include "render/formats.hpp"

namespace flashcore {
namespace {

std::string to_smaller_is_better(const Comparison& comparison, const TextOptions&) {
  Json json = Json::array();
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    json.push_back({{"name", full_name(row)},
                    {"unit", "us"},
                    {"value", *row.new_us},
                    {"range", fmt::format("± {:.3g}", half_width_us(row))},
                    {"extra", fmt::format("{} clock, {}", to_string(*row.mode), to_string(row.verdict))}});
  }
  return indented_json(json);
}

}  // namespace

const OutputFormat kSmallerIsBetter = {.name = "customSmallerIsBetter",
                                       .meaning = "times for github-action-benchmark",
                                       .file_kind = FileKind::smaller_is_better,
                                       .comparison = to_smaller_is_better};

}  // namespace flashcore
