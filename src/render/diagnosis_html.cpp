#include <fmt/format.h>

#include "attention/problem_fields.hpp"
#include "base/build_info.hpp"
#include "base/escape.hpp"
#include "diagnose/probes.hpp"
#include "render/diagnosis_output.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
    "background:#fff;color:#1b1b1b}"
    "table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}"
    "pre,code{font:13px/1.4 ui-monospace,monospace}svg{max-width:100%;border:1px solid #888}"
    ".failed{color:#b00020;font-weight:600}.skipped{color:#666}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}.failed{color:#ff7b8a}"
    ".skipped{color:#999}}";

struct Shade {
  Cell cell;
  std::string_view color;
  std::string_view meaning;
};

constexpr Shade kShades[] = {
    {Cell::right, "#dfe8df", "right"},          {Cell::off, "#f2b04c", "past the limit"},
    {Cell::far_off, "#c8372d", "far past"},     {Cell::zero, "#2f4b9b", "zero"},
    {Cell::nonfinite, "#8a2be2", "not finite"}, {Cell::unwritten, "#111111", "not written"},
};

std::string_view color_of(char cell) {
  for (const Shade& shade : kShades) {
    if (static_cast<char>(shade.cell) == cell) return shade.color;
  }
  return "none";
}

// One rectangle per sequence of equal cells in a row.
std::string map_svg(const ErrorMap& map) {
  constexpr std::int64_t kMaxCells = 128;  // per row and column
  constexpr int kSide = 6;
  const std::vector<std::string> lines = draw(map, kMaxCells, kMaxCells);
  const std::size_t width = lines.front().size();
  std::string svg = fmt::format(
      "<svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "aria-label=\"map of errors\">",
      kSide * width, kSide * lines.size());
  for (std::size_t row = 0; row < lines.size(); ++row) {
    for (std::size_t begin = 0; begin < width;) {
      std::size_t end = lines[row].find_first_not_of(lines[row][begin], begin);
      if (end == std::string::npos) end = width;
      svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>", kSide * begin,
                         kSide * row, kSide * (end - begin), kSide, color_of(lines[row][begin]));
      begin = end;
    }
  }
  return svg + "</svg>\n";
}

std::string legend() {
  std::string html = "<p>";
  for (const Shade& shade : kShades) {
    html += fmt::format("<span style=\"color:{}\">&#9632;</span> {} &nbsp; ", shade.color, shade.meaning);
  }
  return html + "</p>\n";
}

std::string map_html(const Finding& lead, const Tile& tile) {
  const ErrorMap& map = *lead.map;
  std::string html = fmt::format("<h2>Where</h2>\n<p>{}, {} x {}. {}</p>\n", map.of, map.rows(),
                                 map.columns(), escape_html(describe_pattern(map, tile)));
  html += map_svg(map) + legend();
  if (const auto& bad = lead.first_bad) {
    html += fmt::format(
        "<p>First bad element: batch {}, head {}, row {}, {} {}: got {:.6g}, wanted {:.6g}.</p>\n",
        bad->batch, bad->head, bad->row, map.of.ends_with("keys") ? "key" : "column", bad->column, bad->got,
        bad->wanted);
  }
  return html;
}

std::string evidence_html(const std::vector<Finding>& findings) {
  std::string html =
      "<h2>Probes</h2>\n<table>\n<tr><th>probe</th><th>outcome</th><th>what it asks, what it saw</th></tr>\n";
  for (const Finding& finding : findings) {
    const std::string_view kind = finding.failed() ? "failed" : to_string(finding.symptom);
    html +=
        fmt::format("<tr><td>{}</td><td class=\"{}\">{}</td><td>{}{}</td></tr>\n", to_string(finding.probe),
                    kind, to_string(finding.symptom), escape_html(question_of(finding.probe)),
                    finding.detail.empty() ? "" : "<br>" + escape_html(finding.detail));
  }
  return html + "</table>\n";
}

}  // namespace

std::string to_html(const Diagnosis& diagnosis) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><meta name=\"generator\" "
      "content=\"{5}\"><title>{0}</title><style>{1}</style></head>\n"
      "<body><h1>{0}</h1>\n<p>{2}, {3}</p>\n<p><strong>{4}</strong></p>\n",
      escape_html(diagnosis.variant), kStyle, escape_html(diagnosis.device),
      escape_html(problem_id(diagnosis.problem)), escape_html(diagnosis.sentence()),
      escape_html(version_line()));
  if (!diagnosis.healthy()) {
    html +=
        fmt::format("<p>Look at: {}.</p>\n", escape_html(text_of(diagnosis.suspected.front().fault).advice));
    if (diagnosis.lead().map) html += map_html(diagnosis.lead(), diagnosis.tile);
  }
  html += evidence_html(diagnosis.findings);
  if (!diagnosis.healthy()) {
    html += "<h2>Next</h2>\n<pre>";
    for (const std::string& command : diagnosis.next_commands()) html += escape_html(command) + "\n";
    html += "</pre>\n";
  }
  return html + "</body></html>\n";
}

}  // namespace flashcore
