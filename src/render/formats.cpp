#include "render/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/names.hpp"
#include "base/text_table.hpp"

namespace flashcore {
namespace {

constexpr const OutputFormat* kFormats[] = {
#define FORMAT(row) &(row),
#include "render/formats.def"
#undef FORMAT
};

std::vector<const OutputFormat*> formats_of(Content content) {
  std::vector<const OutputFormat*> formats;
  for (const OutputFormat* format : kFormats) {
    if (format->can_show(content)) formats.push_back(format);
  }
  return formats;
}

}  // namespace

bool OutputFormat::can_show(Content content) const {
  switch (content) {
    case Content::run:
      return run != nullptr;
    case Content::results:
      return results != nullptr;
    case Content::comparison:
      return comparison != nullptr;
    case Content::history:
      return history != nullptr;
    case Content::diagnosis:
      return diagnosis != nullptr;
  }
  return false;
}

FileKind OutputFormat::kind_of(Content content) const {
  if (file_kind) return *file_kind;
  constexpr FileKind kKinds[] = {FileKind::results, FileKind::report, FileKind::comparison, FileKind::history,
                                 FileKind::diagnosis};
  return kKinds[static_cast<std::size_t>(content)];
}

void write_format(OutputFile& file, const OutputFormat& format, std::string_view text) {
  file.replace({format.needs_mark ? version_line() + "\n\n" : "", text});
}

std::span<const OutputFormat* const> output_formats() { return kFormats; }

std::vector<std::string_view> format_names(Content content) {
  std::vector<std::string_view> names;
  for (const OutputFormat* format : formats_of(content)) names.push_back(format->name);
  return names;
}

std::vector<std::string_view> format_extensions(Content content) {
  std::vector<std::string_view> extensions;
  for (const OutputFormat* format : formats_of(content)) {
    for (const std::string_view extension : format->extensions) {
      if (!extension.empty()) extensions.push_back(extension);
    }
  }
  return extensions;
}

std::string format_help(Content content) {
  TextTable table({{}, {}});
  for (const OutputFormat* format : formats_of(content)) {
    table.add({"  " + std::string(format->name), std::string(format->meaning)});
  }
  return "Formats:\n" + table.text();
}

const OutputFormat& find_format(std::string_view name, Content content, std::string_view where) {
  const auto* const found = std::ranges::find(kFormats, name, &OutputFormat::name);
  if (found != std::end(kFormats) && (*found)->can_show(content)) return **found;
  const std::vector<std::string_view> names = format_names(content);
  if (found != std::end(kFormats)) {
    throw UsageError(fmt::format("{}: {} cannot show {}; one of: {}", where, name, to_string(content),
                                 fmt::join(names, ", ")));
  }
  throw UsageError(fmt::format("{}: unknown format \"{}\"{}", where, name, suggestion(name, names)));
}

const OutputFormat* find_format_of(const std::string& path, Content content) {
  for (const OutputFormat* format : formats_of(content)) {
    for (const std::string_view extension : format->extensions) {
      if (!extension.empty() && path.ends_with(extension)) return format;
    }
  }
  return nullptr;
}

}  // namespace flashcore
