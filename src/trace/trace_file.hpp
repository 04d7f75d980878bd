// The lines of a file of recorded calls or requests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace flashcore {

inline constexpr std::uintmax_t kMaxTraceBytes = std::uintmax_t{256} << 20;

// The text of a regular file of at most kMaxTraceBytes. Throws UsageError.
std::string read_trace_file(const std::filesystem::path& path);

struct TraceLine {
  std::int64_t number;    // from 1
  std::string_view text;  // without the end of the line
};

// Lines end with \n or \r\n. A byte order mark at the begin and empty lines at the end are left out.
class TraceLines {
 public:
  TraceLines(std::string_view text, std::string file);

  // Throws UsageError if the line is empty, is longer than 16 MiB or has a control character other than a tab.
  std::optional<TraceLine> next();

  // "trace.csv:12"
  std::string where(const TraceLine& line) const;
  const std::string& file() const { return file_; }

 private:
  std::string_view rest_;
  std::string file_;
  std::int64_t number_ = 0;
};

}  // namespace flashcore
