#include "render/html.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/escape.hpp"

namespace flashcore {
namespace {

using Parts = std::map<std::string_view, std::string_view>;

// In one pass: {{…}} within a part stays as it is.
std::string fill_in(std::string_view page, const Parts& parts) {
  std::string filled;
  std::size_t size = page.size();
  for (const auto& [name, part] : parts) size += part.size();
  filled.reserve(size);
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

std::string html_report(std::string_view data, const PageAssets& assets) {
  if (assets.chart_library.empty()) {
    throw EnvironmentError(
        "--format html: this program was built without Chart.js; install the package libjs-chart.js, then "
        "configure and build again");
  }
  const std::string version = escape_html(version_line());
  const std::string license = escape_html(assets.chart_license);
  return fill_in(assets.page, {{"version", version},
                               {"style", assets.style},
                               {"data", data},
                               {"chart_library", assets.chart_library},
                               {"chart_license", license},
                               {"script", assets.script}});
}

}  // namespace flashcore
