// Completion scripts of bash, zsh and fish.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "cli/completion.hpp"

namespace flashcore {
namespace {

using Strings = std::vector<std::string>;

std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string function_name(std::string_view program) {
  std::string name = "_";
  for (const char c : program) name += c == '-' ? '_' : c;
  return name;
}

Strings command_names(const CompletionTree& tree) {
  Strings names;
  for (const CompletionCommand& command : tree.commands) names.push_back(command.name);
  return names;
}

// The names of commands in a pattern of `case`. The default command needs no name.
std::string command_pattern(const CompletionTree& tree, const CompletionCommand& command) {
  return command.name == tree.default_command ? command.name + "|''" : command.name;
}

std::string header(std::string_view shell) { return fmt::format("# Completions for {}.\n", shell); }

// --- bash

std::string bash_value(const CompletionValue& value) {
  return fmt::format("words={}{}", quote_for_shell(fmt::format("{}", fmt::join(value.words, " "))),
                     value.files ? " files=1" : "");
}

std::string bash_options(std::span<const CompletionOption> options, std::string& names) {
  std::string cases;
  for (const CompletionOption& option : options) {
    for (const std::string& name : option.names) names += name + " ";
    if (option.value.placeholder.empty()) continue;
    cases +=
        fmt::format("        {}) {} value=1 ;;\n", fmt::join(option.names, "|"), bash_value(option.value));
  }
  return cases;
}

std::string bash_command(const CompletionTree& tree, const CompletionCommand& command) {
  std::string names;
  const std::string cases = bash_options(command.options, names);
  std::string text = fmt::format("    {})\n", command_pattern(tree, command));
  if (!cases.empty()) text += fmt::format("      case $previous in\n{}      esac\n", cases);
  text += fmt::format("      options+={}\n", quote_for_shell(names));
  if (!command.positional.placeholder.empty()) {
    text += fmt::format("      if [[ -z $value ]]; then {}; fi\n", bash_value(command.positional));
  }
  return text + "      ;;\n";
}

constexpr const char kBash[] = R"({function}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' word words='' files='' value='' options={common_names} prefix=''
  # bash takes --option=value for three words.
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=${{COMP_WORDS[COMP_CWORD-2]}}
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in
      {names}) command=$word; break ;;
    esac
  done
  case $previous in
{common}  esac
  case $command in
{commands}  esac
  COMPREPLY=()
  if [[ -z $value && $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi
  [[ -z $value && -z $command ]] && words={commands_words}
  if [[ -n $value && $current == *,* ]]; then
    prefix=${{current%,*}},
  fi
  [[ -n $words ]] && mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "${{current#"$prefix"}}")
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -F {function} {program}
)";

std::string bash_script(const CompletionTree& tree, std::string_view program) {
  std::string common_names;
  const std::string common = bash_options(tree.common, common_names);
  std::string commands;
  for (const CompletionCommand& command : tree.commands) commands += bash_command(tree, command);
  return header("bash") +
         fmt::format(kBash, fmt::arg("function", function_name(program)), fmt::arg("program", program),
                     fmt::arg("common_names", quote_for_shell(common_names)), fmt::arg("common", common),
                     fmt::arg("commands", commands), fmt::arg("names", fmt::join(command_names(tree), "|")),
                     fmt::arg("commands_words",
                              quote_for_shell(fmt::format("{}", fmt::join(command_names(tree), " ")))));
}

// --- zsh

std::string zsh_action(const CompletionValue& value) {
  if (value.words.empty()) return value.files ? "_files" : " ";
  const std::string words = fmt::format("({})", fmt::join(value.words, " "));
  return value.files ? fmt::format("{{_alternative \"words:word:{}\" \"files:file:_files\"}}", words) : words;
}

std::string zsh_value(const CompletionValue& value) {
  return fmt::format(":{}:{}", escaped(value.placeholder, "[]:"), zsh_action(value));
}

std::string zsh_option(const CompletionOption& option) {
  const bool has_value = !option.value.placeholder.empty();
  const std::string others = option.repeats ? "*" : fmt::format("({})", fmt::join(option.names, " "));
  std::string text;
  for (const std::string& name : option.names) {
    const std::string entry =
        fmt::format("{}{}{}[{}]{}", others, name, has_value && name.starts_with("--") ? "=" : "",
                    escaped(option.meaning, "[]:\\"), has_value ? zsh_value(option.value) : "");
    text += fmt::format("      {}\n", quote_for_shell(entry));
  }
  return text;
}

std::string zsh_command(const CompletionTree& tree, const CompletionCommand& command) {
  std::string text = fmt::format("    {}) arguments+=(\n", command_pattern(tree, command));
  for (const CompletionOption& option : command.options) text += zsh_option(option);
  if (!command.positional.placeholder.empty()) {
    text += fmt::format("      {}\n", quote_for_shell("*" + zsh_value(command.positional)));
  }
  return text + "    ) ;;\n";
}

constexpr const char kZsh[] = R"(#compdef {program}
{header}{function}() {{
  local -a commands=(
{list}  )
  local -a arguments=(
{common}  )
  local command='' i
  for ((i = 2; i < CURRENT; ++i)); do
    case ${{words[i]}} in
      {names}) command=${{words[i]}}; words[i]=(); ((--CURRENT)); break ;;
    esac
  done
  case $command in
{commands}  esac
  [[ -n $command ]] || arguments+=('1:command:{{_describe command commands}}')
  _arguments -s -S : "${{arguments[@]}}"
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  {function} "$@"
else
  compdef {function} {program}
fi
)";

std::string zsh_script(const CompletionTree& tree, std::string_view program) {
  std::string common;
  std::string commands;
  std::string list;
  for (const CompletionOption& option : tree.common) common += zsh_option(option);
  for (const CompletionCommand& command : tree.commands) {
    commands += zsh_command(tree, command);
    list += fmt::format("    {}\n", quote_for_shell(command.name + ":" + escaped(command.meaning, ":\\")));
  }
  return fmt::format(kZsh, fmt::arg("program", program), fmt::arg("header", header("zsh")),
                     fmt::arg("function", function_name(program)), fmt::arg("list", list),
                     fmt::arg("common", common), fmt::arg("commands", commands),
                     fmt::arg("names", fmt::join(command_names(tree), "|")));
}

// --- fish

std::string fiquote_for_shell(std::string_view text) { return "'" + escaped(text, "'\\") + "'"; }

std::string fish_option(const CompletionOption& option, std::string_view start) {
  std::string text(start);
  for (const std::string& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  const CompletionValue& value = option.value;
  if (!value.placeholder.empty()) text += value.files ? " -r -F" : " -x";
  if (!value.words.empty())
    text += " -a " + fiquote_for_shell(fmt::format("{}", fmt::join(value.words, " ")));
  return text + " -d " + fiquote_for_shell(option.meaning) + "\n";
}

std::string fish_condition(const CompletionTree& tree, const CompletionCommand& command) {
  if (command.name != tree.default_command) return "__fish_seen_subcommand_from " + command.name;
  std::string others = "not __fish_seen_subcommand_from";
  for (const CompletionCommand& other : tree.commands) {
    if (other.name != command.name) others += " " + other.name;
  }
  return others;
}

std::string fish_script(const CompletionTree& tree, std::string_view program) {
  const std::string start = fmt::format("complete -c {}", program);
  std::string text = header("fish") + start + " -f\n";
  for (const CompletionOption& option : tree.common) text += fish_option(option, start);
  for (const CompletionCommand& command : tree.commands) {
    text += fmt::format("{} -n '__fish_use_subcommand' -a {} -d {}\n", start, command.name,
                        fiquote_for_shell(command.meaning));
    const std::string there = fmt::format("{} -n '{}'", start, fish_condition(tree, command));
    for (const CompletionOption& option : command.options) text += fish_option(option, there);
    const CompletionValue& value = command.positional;
    if (value.files) text += there + " -F\n";
    if (!value.words.empty()) {
      text += there + " -a " + fiquote_for_shell(fmt::format("{}", fmt::join(value.words, " "))) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string completion_script(Shell shell, const CompletionTree& tree, std::string_view program) {
  if (shell == Shell::bash) return bash_script(tree, program);
  return shell == Shell::zsh ? zsh_script(tree, program) : fish_script(tree, program);
}

}  // namespace flashcore
