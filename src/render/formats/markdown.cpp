#include "render/markdown.hpp"

#include "render/comparison_output.hpp"
#include "render/formats.hpp"

namespace flashcore {

const OutputFormat kMarkdown = {
    .name = "markdown",
    .meaning = "tables for pull requests and wikis",
    .extensions = {".md", ".markdown"},
    .file_kind = FileKind::markdown,
    .results = [](const ResultsOutput& output) { return markdown_report(output.files, output.baseline); },
    .comparison = [](const Comparison& comparison, const TextOptions&) { return to_markdown(comparison); }};

}  // namespace flashcore
