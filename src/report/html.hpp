// Results as one HTML page that needs nothing else: style, script, chart library and data stand in it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "report/result_file.hpp"

namespace flashcore {

// The files of src/report/page/ and the chart library, embedded by scripts/cmake/report_page.cmake.
struct PageAssets {
  std::string_view page;           // HTML with {{name}} where a part goes
  std::string_view style;          // CSS
  std::string_view script;         // JavaScript
  std::string_view chart_library;  // Chart.js 3; empty when it was not found at configure time
  std::string_view chart_license;
};

extern const PageAssets kPageAssets;

// Speed-ups are over the first match of `baseline`, as page_data has it. Throws EnvironmentError, naming the
// package to install, when the assets are without the chart library.
std::string html_report(std::span<const ResultFile> files, const std::string& baseline,
                        const PageAssets& assets = kPageAssets);

}  // namespace flashcore
