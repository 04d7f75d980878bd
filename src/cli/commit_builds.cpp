#include "cli/commit_builds.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/error.hpp"
#include "base/process.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTree = "tree";

// The output of git without its last line break. Throws UsageError if git fails.
std::string git(std::vector<std::string> arguments, const std::string& what, const fs::path& folder = {}) {
  arguments.insert(arguments.begin(), "git");
  ProcessResult result = run_process(arguments, {.folder = folder.string()});
  if (result.exit_code != 0) throw UsageError(fmt::format("--bisect: {}", what));
  while (result.output.ends_with('\n')) result.output.pop_back();
  return std::move(result.output);
}

Commit commit_of(const std::string& name) {
  const std::string line = git({"log", "--max-count=1", "--format=%H %s", "--end-of-options", name},
                               name + " is no commit of this repository");
  const std::size_t space = line.find(' ');
  return {line.substr(0, space), line.substr(std::min(space + 1, line.size()))};
}

fs::path make_folder() {
  std::string path = (fs::temp_directory_path() / "flashcore-bisect-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    throw EnvironmentError(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  return path;
}

}  // namespace

std::vector<Commit> commits_between(const std::string& good, const std::string& bad) {
  std::vector<Commit> commits = {commit_of(good)};
  const Commit last = commit_of(bad);
  git({"merge-base", "--is-ancestor", commits.front().hash, last.hash},
      fmt::format("{} is no ancestor of {}", good, bad));
  std::istringstream lines(git({"log", "--first-parent", "--reverse", "--format=%H %s",
                                fmt::format("{}..{}", commits.front().hash, last.hash)},
                               "git cannot list the commits"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    commits.push_back({line.substr(0, space), line.substr(std::min(space + 1, line.size()))});
  }
  if (commits.size() < 2) throw UsageError(fmt::format("--bisect: {} and {} are one commit", good, bad));
  return commits;
}

CommitBuilds::CommitBuilds(std::string build_command, std::string built_file)
    : command_(std::move(build_command)), file_(std::move(built_file)), folder_(make_folder()) {
  git({"worktree", "add", "--quiet", "--detach", (folder_ / kTree).string()}, "git cannot make a worktree");
}

CommitBuilds::~CommitBuilds() {
  try {
    run_process({"git", "worktree", "remove", "--force", (folder_ / kTree).string()});
  } catch (const EnvironmentError&) {
    // The folder goes below, and `git worktree prune` forgets it.
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::optional<fs::path> CommitBuilds::build(const Commit& commit) {
  const fs::path tree = folder_ / kTree;
  const fs::path copy = folder_ / commit.hash / fs::path(file_).filename();
  if (fs::exists(copy)) return copy;
  git({"checkout", "--quiet", "--force", "--detach", commit.hash}, "git cannot check " + commit.hash + " out",
      tree);
  const fs::path built = tree / file_;
  std::error_code ignored;
  fs::remove(built, ignored);  // a build that fails must not leave the one before
  ++builds_;
  const ProcessResult result =
      run_process({"sh", "-c", command_}, {.folder = tree.string(), .output = ProcessOutput::standard_error});
  if (result.exit_code != 0) return std::nullopt;
  if (!fs::is_regular_file(built, ignored)) {
    throw UsageError(
        fmt::format("--built: the command of --build leaves no file {} at commit {}", file_, commit.hash));
  }
  fs::create_directory(copy.parent_path());
  fs::copy_file(built, copy);
  return copy;
}

}  // namespace flashcore
