// The one way in which commands write the files that a user names.
//
// Refused, with UsageError, before anything is written: to replace a file that this command has read as an input, by
// whatever path; to replace a regular file that is not of the kind that is written, unless `force`; a file that
// another process or another output of this one is writing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/atomic_file.hpp"
#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/file_kind.hpp"

namespace flashcore {

// In the place of a path.
inline constexpr std::string_view kStandardOutput = "-";

struct OutputTarget {
  // `file` may be kStandardOutput.
  OutputTarget(std::filesystem::path file, std::string flag_of_file = "--output", bool replace_any = false)
      : path(file == kStandardOutput ? "/dev/stdout" : std::move(file)),
        flag(std::move(flag_of_file)),
        force(replace_any) {}

  std::filesystem::path path;
  std::string flag;          // begins refusals
  bool force;                // --force
  bool must_be_new = false;  // throws FileExists
};

struct FileExists : UsageError {
  using UsageError::UsageError;
};

// A file that is about to be written. While this lives, no other OutputFile can name it.
class OutputFile {
 public:
  // Makes the folder. A file that does not exist yet is made with the text `initial`. Throws UsageError for a refusal,
  // EnvironmentError if the system refuses.
  OutputFile(const OutputTarget& target, FileKind kind, std::string_view initial = "");
  // Removes a file that the constructor made and nothing was written to.
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&& other) noexcept = delete;

  // Replaces the content in one step; a stream is written to. Throws EnvironmentError, or UsageError if the file has
  // become an input since.
  void replace(TextParts parts);

  // A device, a FIFO or standard output: what is written stays written.
  bool is_stream() const { return is_stream_; }
  // The file existed and holds earlier content of its kind.
  bool has_earlier_content() const { return has_earlier_content_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  bool open(const OutputTarget& target, FileKind kind, std::string_view initial);
  void check_replaceable(const OutputTarget& target, FileKind kind);
  void refuse_input() const;

  std::filesystem::path path_;      // as it was named
  std::filesystem::path resolved_;  // after its links
  std::string flag_;
  Descriptor file_;  // the regular file, locked; closed for a stream
  bool is_stream_ = false;
  bool has_earlier_content_ = false;
  bool is_untouched_ = false;  // the constructor made it, nothing was written since
};

// Reads no input and locks nothing: writes a file of this program's own in one step.
void write_output(const OutputTarget& target, FileKind kind, TextParts parts);

}  // namespace flashcore
