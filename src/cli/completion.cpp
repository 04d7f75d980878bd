#include "cli/completion.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "attention/dtype.hpp"
#include "compare/policy.hpp"
#include "config/lookup.hpp"
#include "config/model_problems.hpp"
#include "config/plan.hpp"
#include "config/tune_policy.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"
#include "record/timing_mode.hpp"
#include "registry/registry.hpp"
#include "render/formats.hpp"
#include "run/policy.hpp"

namespace flashcore {
namespace {

using Strings = std::vector<std::string>;

template <Worded Enum>
Strings words_of() {
  const Words all = words(Enum{});
  return {all.begin(), all.end()};
}

Strings families() {
  Strings names;
  for (const DeclaredFamily& family : declared_families()) names.emplace_back(family.name);
  return names;
}

Strings devices() {
  const auto names = device_words();
  return {names.begin(), names.end()};
}

Content content_of(std::string_view command) {
  if (command == "compare") return Content::comparison;
  if (command == "report") return Content::results;
  if (command == "diagnose") return Content::diagnosis;
  return Content::run;
}

Strings formats(std::string_view command) {
  const std::vector<std::string_view> names = format_names(content_of(command));
  return {names.begin(), names.end()};
}

Strings names(std::string_view option) {
  if (option == "--family") return families();
  if (option == "--dtype") return words_of<Dtype>();
  if (option == "--backend") return words_of<Backend>();
  return {};
}

// The table of values: what each placeholder of help stands for.
struct Placeholder {
  std::string_view name;
  Strings (*words)(std::string_view command, std::string_view option) = nullptr;
  bool files = false;
};

using View = std::string_view;
constexpr Placeholder kPlaceholders[] = {
    {.name = "CLOCK", .words = [](View, View) { return words_of<TimingMode>(); }},
    {.name = "COMMAND"},
    {.name = "CONFIG", .words = [](View, View) { return shipped_configs(); }, .files = true},
    {.name = "DEPTH", .words = [](View, View) { return words_of<CheckDepth>(); }},
    {.name = "DEVICE", .words = [](View, View) { return devices(); }},
    {.name = "FILE", .files = true},
    {.name = "FOLDER", .files = true},
    {.name = "FORMAT", .words = [](View command, View) { return formats(command); }},
    {.name = "GLOB"},
    {.name = "GOOD BAD"},
    {.name = "I/N"},
    {.name = "ID"},
    {.name = "KIND", .words = [](View, View) { return words_of<SearchKind>(); }},
    {.name = "KV"},
    {.name = "LENGTH"},
    {.name = "MODEL", .words = [](View, View) { return shipped_models(); }, .files = true},
    {.name = "N"},
    {.name = "NAME", .words = [](View, View option) { return names(option); }},
    {.name = "OBJECTIVE", .words = [](View, View) { return words_of<Objective>(); }},
    {.name = "PACING", .words = [](View, View) { return words_of<Pacing>(); }},
    {.name = "PHASE", .words = [](View, View) { return words_of<Phase>(); }},
    {.name = "PROBLEM"},
    {.name = "PROGRAM", .files = true},
    {.name = "PROPERTY", .words = [](View, View) { return words_of<Requirement>(); }},
    {.name = "SECONDS"},
    {.name = "SETTINGS"},
    {.name = "SHARE"},
    {.name = "SHELL", .words = [](View, View) { return words_of<Shell>(); }},
    {.name = "VERDICT", .words = [](View, View) { return words_of<Verdict>(); }},
    {.name = "[FORMAT=]FILE", .files = true},
};

CompletionOption completion_option(const CLI::Option& option, std::string_view command) {
  CompletionOption found{.meaning = option.get_description(), .repeats = option.get_items_expected_max() > 1};
  for (const std::string& name : option.get_snames()) found.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) found.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0) {
    found.value = completion_value(command, found.names.back(), option.get_type_name());
  }
  return found;
}

bool is_hidden(const CLI::Option& option) { return option.get_group().empty(); }

void add_options(const CLI::App& app, CompletionCommand& command, bool (*wanted)(const CLI::Option&)) {
  for (const CLI::Option* option : app.get_options()) {
    if (is_hidden(*option) || !wanted(*option)) continue;
    if (option->nonpositional()) {
      command.options.push_back(completion_option(*option, command.name));
    } else {
      command.positional = completion_value(command.name, option->get_name(), option->get_type_name());
    }
  }
}

}  // namespace

CompletionValue completion_value(std::string_view command, std::string_view option,
                                 std::string_view placeholder) {
  placeholder = placeholder.substr(0, placeholder.find(':'));  // CLI11 appends what a value is checked for
  for (const Placeholder& known : kPlaceholders) {
    if (known.name != placeholder) continue;
    return {.placeholder = std::string(placeholder),
            .words = known.words == nullptr ? Strings{} : known.words(command, option),
            .files = known.files};
  }
  throw std::logic_error(fmt::format("{} {}: the placeholder {} has no row in src/cli/completion.cpp",
                                     command, option, placeholder));
}

CompletionTree completion_tree(const CLI::App& app, std::string_view default_command,
                               bool (*is_common)(const CLI::Option&)) {
  CompletionTree tree{.default_command = std::string(default_command)};
  CompletionCommand own{.name = tree.default_command};
  for (const CLI::Option* option : app.get_options()) {
    if (is_hidden(*option)) continue;
    (is_common(*option) ? tree.common : own.options).push_back(completion_option(*option, own.name));
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group().empty()) continue;
    CompletionCommand found{.name = command->get_name(), .meaning = command->get_description()};
    if (found.name == default_command) {
      found.options = own.options;
    } else {
      add_options(*command, found, [](const CLI::Option&) { return true; });
    }
    tree.commands.push_back(std::move(found));
  }
  return tree;
}

}  // namespace flashcore
