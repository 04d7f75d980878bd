#include <fmt/format.h>

#include "attention/problem_fields.hpp"
#include "base/text.hpp"
#include "diagnose/probes.hpp"
#include "render/diagnosis_output.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kMapRows = 32;
constexpr std::int64_t kMapColumns = 64;

std::string outcome(const Finding& finding, bool color) {
  constexpr int kWidth = 16;
  const std::string word = align_left(to_string(finding.symptom), kWidth);
  const fmt::color shade = finding.failed()                      ? fmt::color::red
                           : finding.symptom == Symptom::skipped ? fmt::color::gray
                                                                 : fmt::color::green;
  return paint(word, fmt::fg(shade), color);
}

// Failures with their detail, the others with the probe's question.
std::string evidence(const Diagnosis& diagnosis, bool color) {
  std::string text;
  for (const Finding& finding : diagnosis.findings) {
    const std::string_view question = question_of(finding.probe);
    text += fmt::format("  {} {} {}\n", outcome(finding, color), align_left(to_string(finding.probe), 16),
                        finding.detail.empty() ? std::string(question) : printable(finding.detail));
  }
  return text;
}

std::string map_text(const ErrorMap& map, const Tile& tile) {
  std::string text =
      fmt::format("Where, {} {} x {} (. right, + off, # far off, 0 zero, ! not finite, ? unwritten):\n",
                  map.of, map.rows(), map.columns());
  const std::vector<std::string> lines = draw(map, kMapRows, kMapColumns);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::int64_t row = static_cast<std::int64_t>(i) * map.rows() / std::ssize(lines);
    text += fmt::format("  {:>5} {}\n", row, lines[i]);
  }
  const std::string pattern = describe_pattern(map, tile);
  return text + (pattern.empty() ? "" : fmt::format("  {}\n", pattern));
}

std::string place_text(const BadElement& bad, const std::optional<ErrorMap>& map) {
  const bool keys = map && map->of.ends_with("keys");
  return fmt::format("First bad element: batch {}, head {}, row {}, {} {}: got {:.6g}, wanted {:.6g}\n",
                     bad.batch, bad.head, bad.row, keys ? "key" : "column", bad.column, bad.got, bad.wanted);
}

}  // namespace

std::string to_text(const Diagnosis& diagnosis, bool color) {
  std::string text = fmt::format("{} on {}, {}\n\n", printable(diagnosis.variant),
                                 printable(diagnosis.device), problem_id(diagnosis.problem));
  text += paint(diagnosis.sentence(), fmt::emphasis::bold, color) + "\n";
  if (!diagnosis.healthy()) {
    text += fmt::format("Look at: {}.\n", text_of(diagnosis.suspected.front().fault).advice);
    for (std::size_t i = 1; i < diagnosis.suspected.size(); ++i) {
      text += fmt::format("{} {}\n", i == 1 ? "It may follow from that, or stand beside it:" : "and:",
                          text_of(diagnosis.suspected[i].fault).sentence);
    }
  }
  text += "\nProbes:\n" + evidence(diagnosis, color);
  if (diagnosis.healthy()) return text;
  const Finding& lead = diagnosis.lead();
  if (lead.map) text += "\n" + map_text(*lead.map, diagnosis.tile);
  if (lead.first_bad) text += place_text(*lead.first_bad, lead.map);
  text += "\nNext:\n";
  for (const std::string& command : diagnosis.next_commands()) text += "  " + command + "\n";
  return text;
}

}  // namespace flashcore
