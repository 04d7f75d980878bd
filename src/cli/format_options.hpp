// The flags --format and --write, for commands that show one thing in a format of the user's choice.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "render/formats.hpp"

namespace flashcore {

struct FormatOptions {
  std::string format = "table";
  std::vector<std::string> writes;  // "junit=gate.xml"
  bool json = false;                // short for --format json
};

void add_format_options(CLI::App& command, FormatOptions& options, Content content, const std::string& group);

// The format of standard output, and further files.
struct FormatChoice {
  struct Write {
    const OutputFormat* format;
    OutputFile file;
  };
  const OutputFormat* printed;
  std::vector<Write> writes;
};

// Throws UsageError when a format is unknown or cannot show the content, and as OutputFile does. To be called before the
// content is computed.
FormatChoice choose_formats(const FormatOptions& options, Content content, bool force);

// Writes the files, then prints. Files have all rows and no colour.
using Render = std::function<std::string(const OutputFormat&, const TextOptions&)>;
void write_formats(FormatChoice& choice, const TextOptions& printed, const Render& render);

}  // namespace flashcore
