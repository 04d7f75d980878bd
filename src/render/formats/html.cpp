#include "render/html.hpp"

#include "render/comparison_output.hpp"
#include "render/diagnosis_output.hpp"
#include "render/formats.hpp"
#include "render/page_data.hpp"

namespace flashcore {

const OutputFormat kHtml = {
    .name = "html",
    .meaning = "a page for the browser that needs no other file",
    .extensions = {".html", ".htm"},
    .shows_comparison = true,
    .results =
        [](const ResultsOutput& output) {
          Json data = page_data(output.files, output.baseline);
          if (output.comparison != nullptr) data["comparison"] = to_json(*output.comparison);
          return html_report(data);
        },
    .diagnosis = [](const Diagnosis& diagnosis, const TextOptions&) { return to_html(diagnosis); }};

}  // namespace flashcore
