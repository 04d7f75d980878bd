#include "render/html.hpp"

#include "render/diagnosis_output.hpp"
#include "render/formats.hpp"
#include "render/page_data.hpp"

namespace flashcore {

const OutputFormat kHtml = {
    .name = "html",
    .meaning = "a page for the browser that needs no other file",
    .extensions = {".html", ".htm"},
    .shows_comparison = true,
    .file_kind = FileKind::page,
    .results =
        [](const ResultsOutput& output) {
          return html_report(page_data(output, kBrowserLimits, script_safe));
        },
    .diagnosis = [](const Diagnosis& diagnosis, const TextOptions&) { return to_html(diagnosis); }};

}  // namespace flashcore
