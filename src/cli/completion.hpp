// What a shell completes of the command line: commands, their options, and the words that a value can be. All of it is read
// from the CLI11 tree; which words a value has follows from the placeholder of its option.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.hpp"

namespace flashcore {

enum class Shell : int { bash, zsh, fish };
inline constexpr std::string_view kShellWords[] = {"bash", "zsh", "fish"};
constexpr Words words(Shell) { return kShellWords; }

// The values of an option or of positional arguments.
struct CompletionValue {
  std::string placeholder;         // "FILE"; empty if there is no value
  std::vector<std::string> words;  // all words that it can be, or examples of them
  bool files = false;              // it can be the name of a file or folder
};

struct CompletionOption {
  std::vector<std::string> names;  // "-o", "--output"
  std::string meaning;
  CompletionValue value;
  bool repeats = false;
};

struct CompletionCommand {
  std::string name;  // empty: the options that every command takes
  std::string meaning;
  std::vector<CompletionOption> options;
  CompletionValue positional;
};

struct CompletionTree {
  std::vector<CompletionOption> common;     // of every command
  std::vector<CompletionCommand> commands;  // without hidden ones
  std::string default_command;              // whose options can stand without its name
};

// `is_common` says whether an option of the program itself belongs to every command; the others belong to the default command.
CompletionTree completion_tree(const CLI::App& app, std::string_view default_command,
                               bool (*is_common)(const CLI::Option&));

// Throws std::logic_error for a placeholder that the table of values does not have.
CompletionValue completion_value(std::string_view command, std::string_view option,
                                 std::string_view placeholder);

// A script for a shell, which completes the program `program`.
std::string completion_script(Shell shell, const CompletionTree& tree, std::string_view program);

}  // namespace flashcore
