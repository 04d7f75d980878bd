// The output formats of all commands, one row each. A new format is a file in render/formats/ that defines its row, and
// a line in render/formats.def: flags, help, errors, extensions and the config's words follow from the row.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_kind.hpp"
#include "base/json.hpp"
#include "base/output_file.hpp"
#include "base/words.hpp"
#include "compare/comparison.hpp"
#include "compare/history.hpp"
#include "diagnose/diagnosis.hpp"
#include "render/table.hpp"
#include "render/text_options.hpp"
#include "results/result_file.hpp"
#include "run/sink.hpp"

namespace flashcore {

// A kind of content that a format can show.
enum class Content : int { run, results, comparison, history, diagnosis };
inline constexpr std::string_view kContentWords[] = {"a run", "result files", "a comparison", "a history",
                                                     "a diagnosis"};
constexpr Words words(Content) { return kContentWords; }

// Records that are written while a run makes them.
struct RunOutput {
  OutputTarget file;  // formats without an extension write to `terminal` instead
  const Json& environment;
  const Json& config;
  std::ostream& terminal;
  const TableOptions& table;
};

struct ResultsOutput {
  std::span<const ResultFile> files;
  std::string baseline;                    // a glob; empty: the glob of each file's config
  const Comparison* comparison = nullptr;  // of a base with the files, or null
  std::string base = {};                   // the path of that base
  TextOptions text = {};
};

// A function is null where the format cannot show the content.
struct OutputFormat {
  std::string_view name;
  std::string_view meaning;                         // for help
  std::array<std::string_view, 2> extensions = {};  // ".md"; empty ones do not count
  bool by_default = false;                          // of a run, when a config names no formats
  bool shows_comparison = false;                    // beside result files
  std::optional<FileKind> file_kind = {};           // of every content; else kind_of() tells it
  bool needs_mark = false;  // its files begin with the program's version, by which the program knows its own
  std::unique_ptr<Sink> (*run)(const RunOutput&) = nullptr;  // throws EnvironmentError
  std::string (*results)(const ResultsOutput&) = nullptr;
  std::string (*comparison)(const Comparison&, const TextOptions&) = nullptr;
  std::string (*history)(const History&, const TextOptions&) = nullptr;
  std::string (*diagnosis)(const Diagnosis&, const TextOptions&) = nullptr;

  bool can_show(Content content) const;
  FileKind kind_of(Content content) const;
};

// Writes a text of the format as a file. Throws as OutputFile does.
void write_format(OutputFile& file, const OutputFormat& format, std::string_view text);

#define FORMAT(row) extern const OutputFormat row;
#include "render/formats.def"
#undef FORMAT

std::span<const OutputFormat* const> output_formats();
std::vector<std::string_view> format_names(Content content);
std::vector<std::string_view> format_extensions(Content content);

// A line per format with its name and meaning.
std::string format_help(Content content);

// Throws UsageError that begins with `where` and names the nearest format that can show the content.
const OutputFormat& find_format(std::string_view name, Content content, std::string_view where);

// By the path's extension; null when no format of the content has it.
const OutputFormat* find_format_of(const std::string& path, Content content);

}  // namespace flashcore
