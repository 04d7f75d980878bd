// Results as one HTML page that needs no other file: style, script, chart library and data are in it.
#pragma once

#include <string>
#include <string_view>

namespace flashcore {

// The files of src/render/page/ and the chart library, embedded by scripts/cmake/report_page.cmake.
struct PageAssets {
  std::string_view page;           // HTML with {{name}} where a part goes
  std::string_view style;          // CSS
  std::string_view script;         // JavaScript
  std::string_view chart_library;  // Chart.js 3; empty when it was not found at configure time
  std::string_view chart_license;
};

extern const PageAssets kPageAssets;

// `data` is page_data() as script_safe() text. Throws EnvironmentError that names the package to install when the assets lack the chart library.
std::string html_report(std::string_view data, const PageAssets& assets = kPageAssets);

}  // namespace flashcore
