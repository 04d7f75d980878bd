#include "render/html.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/escape.hpp"

namespace flashcore {
namespace {

using Parts = std::map<std::string_view, std::string>;

// In one pass: {{…}} within a part stays as it is.
std::string fill_in(std::string_view page, const Parts& parts) {
  std::string filled;
  while (true) {
    const std::size_t begin = page.find("{{");
    filled += page.substr(0, begin);
    if (begin == std::string_view::npos) return filled;
    const std::size_t end = page.find("}}", begin);
    filled += parts.at(page.substr(begin + 2, end - begin - 2));
    page.remove_prefix(end + 2);
  }
}

}  // namespace

std::string html_report(std::string data, const PageAssets& assets) {
  if (assets.chart_library.empty()) {
    throw EnvironmentError(
        "--format html: this program was built without Chart.js; install the package libjs-chart.js, then "
        "configure and build again");
  }
  return fill_in(assets.page, {{"version", escape_html(version_line())},
                               {"style", std::string(assets.style)},
                               {"data", std::move(data)},
                               {"chart_library", std::string(assets.chart_library)},
                               {"chart_license", escape_html(assets.chart_license)},
                               {"script", std::string(assets.script)}});
}

}  // namespace flashcore
