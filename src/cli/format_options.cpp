#include "cli/format_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "cli/command.hpp"

namespace flashcore {
namespace {

FormatChoice::Write open_write(const std::string& text, Content content, bool force) {
  const auto open = [&](const OutputFormat& format, const std::string& path) -> FormatChoice::Write {
    if (path == kStandardOutput) {
      throw UsageError("--write: - is standard output; --format names its format");
    }
    return {&format, OutputFile({path, "--write", force}, format.kind_of(content))};
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    if (const OutputFormat* format = find_format_of(text, content)) return open(*format, text);
  } else if (equals + 1 < text.size()) {
    return open(find_format(text.substr(0, equals), content, "--write"), text.substr(equals + 1));
  }
  throw UsageError(fmt::format("--write: \"{}\" must be FORMAT=FILE, or a file that ends in {}", text,
                               fmt::join(format_extensions(content), ", ")));
}

}  // namespace

void add_format_options(CLI::App& command, FormatOptions& options, Content content,
                        const std::string& group) {
  command
      .add_option("--format", options.format,
                  fmt::format("Print in this format: {}", fmt::join(format_names(content), ", ")))
      ->capture_default_str()
      ->type_name("FORMAT")
      ->group(group);
  command
      .add_option("--write", options.writes,
                  "Also write a file, in the format named or that of the file's extension; repeatable")
      ->allow_extra_args(false)
      ->type_name("[FORMAT=]FILE")
      ->group(group);
  command.add_flag("--json", options.json, kJsonHelp)->group(group);
  command.footer(format_help(content) + "\n" + command.get_footer());
}

FormatChoice choose_formats(const FormatOptions& options, Content content, bool force) {
  if (options.json && options.format != FormatOptions{}.format) {
    throw UsageError("--json: cannot be combined with --format");
  }
  FormatChoice choice{&find_format(options.json ? "json" : options.format, content, "--format"), {}};
  for (const std::string& text : options.writes) choice.writes.push_back(open_write(text, content, force));
  return choice;
}

void write_formats(FormatChoice& choice, const TextOptions& printed, const Render& render) {
  for (FormatChoice::Write& write : choice.writes) {
    write_format(write.file, *write.format, render(*write.format, {}));
  }
  fmt::print("{}", render(*choice.printed, printed));
}

}  // namespace flashcore
