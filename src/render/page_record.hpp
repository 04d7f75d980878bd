// One record as the page shows it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/json.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

// The timings whose samples a record has.
enum class Samples : int { none, headline, all };

// `problem` is the place of its problem in the page's list, `rule` the run's stopping rule.
Json page_record(const Record& record, std::size_t problem, const MeasurePolicy& rule, Samples samples);

// The fields of a record that the page has, except timings, as JSON pointers into a record of a result file.
std::span<const std::string_view> shown_fields();

}  // namespace flashcore
