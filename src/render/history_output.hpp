// A history of results as a table and as JSON.
#pragma once

#include <string>

#include "base/json.hpp"
#include "compare/history.hpp"
#include "render/text_options.hpp"

namespace flashcore {

// A line per row: its first and its newest time, a sparkline, and its steps.
std::string history_table(const History& history, const TextOptions& options);

Json to_json(const History& history);

}  // namespace flashcore
