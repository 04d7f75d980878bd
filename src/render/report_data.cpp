#include "render/report_data.hpp"

#include "render/comparison_output.hpp"
#include "render/page_data.hpp"

namespace flashcore {

Json report_data(const ResultsOutput& output) {
  Json data = page_data(output.files, output.baseline);
  if (output.comparison != nullptr) data["comparison"] = to_json(*output.comparison);
  return data;
}

}  // namespace flashcore
