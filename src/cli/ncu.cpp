#include "cli/ncu.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/error.hpp"
#include "base/process.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

constexpr const char* kToolkitFolder = "/usr/local/cuda/bin";

// The name of a temporary file. The destructor deletes the file.
class TemporaryFile {
 public:
  TemporaryFile() : path_(fs::temp_directory_path() / fmt::format("flashcore-ncu-{}.csv", getpid())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string name() const { return path_.string(); }
  std::string read() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  fs::path path_;
};

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string find_ncu() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(fmt::format("{}:{}", path == nullptr ? "" : path, kToolkitFolder));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (const fs::path file = fs::path(folder) / "ncu"; is_program(file)) return file.string();
  }
  throw EnvironmentError(fmt::format(
      "profile: ncu is neither on PATH nor in {}; it is a part of Nsight Compute", kToolkitFolder));
}

std::string run_ncu(const std::string& ncu, const std::string& metrics,
                    const std::vector<std::string>& command) {
  const TemporaryFile log;
  std::vector<std::string> all = {ncu,
                                  "--clock-control",
                                  "none",
                                  "--profile-from-start",
                                  "off",
                                  "--csv",
                                  "--page",
                                  "raw",
                                  "--print-units",
                                  "base",
                                  "--metrics",
                                  metrics,
                                  "--log-file",
                                  log.name()};
  all.insert(all.end(), command.begin(), command.end());
  const int exit_code = run_process(all, {.output = ProcessOutput::nowhere}).exit_code;
  std::string text = log.read();
  if (text.empty()) {
    throw EnvironmentError(fmt::format("{}: exited with status {} and wrote no output", ncu, exit_code));
  }
  return text;
}

}  // namespace flashcore
