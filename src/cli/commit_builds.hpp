// Builds commits of the git repository around the working directory, in a tree of their own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace flashcore {

struct Commit {
  std::string hash;
  std::string subject;
};

// From `good`, which is the first, to `bad` along first parents. Throws UsageError if one is no commit here, or if the good
// one is no ancestor of the bad one.
std::vector<Commit> commits_between(const std::string& good, const std::string& bad);

class CommitBuilds {
 public:
  // Makes a worktree in a temporary folder. The destructor removes both.
  CommitBuilds(std::string build_command, std::string built_file);
  ~CommitBuilds();
  CommitBuilds(const CommitBuilds&) = delete;
  CommitBuilds& operator=(const CommitBuilds&) = delete;

  // Checks the commit out, builds it, and returns a copy of what it built; a second time it returns the copy. Nothing if the
  // command fails. The tree keeps
  // files that git ignores, so that builds are incremental. Throws UsageError if the command leaves no such file.
  std::optional<std::filesystem::path> build(const Commit& commit);

  int builds() const { return builds_; }

 private:
  std::string command_;
  std::string file_;
  std::filesystem::path folder_;  // the tree and the copies
  int builds_ = 0;
};

}  // namespace flashcore
