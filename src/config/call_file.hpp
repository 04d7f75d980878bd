// Files of recorded calls, and traces of requests with a scheduler, as configs name them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_document.hpp"
#include "trace/call.hpp"

namespace flashcore {

// How a server takes the requests of a trace, and which of its steps become calls.
inline constexpr std::string_view kSchedulerKeys[] = {"token_budget", "max_sequences", "chunk", "prefix_hits",
                                                      "seed"};
inline constexpr std::string_view kStepKeys[] = {"steps", "first_step", "every"};

// Where a call is in its file: "line 7", or "lines 7, 12" of equal calls.
struct CallWords {
  std::string_view one;
  std::string_view several;
  std::string_view name;  // of calls, before their number
};

struct CallFile {
  std::vector<RecordedCall> calls;
  CallWords words;
  std::string before;  // parts of the source of a call, around its place
  std::string after;

  // "calls a.jsonl, lines 7, 12"
  std::string source_of(std::span<const std::int64_t> numbers) const;
};

// Reads one of the values that load_recorded_lengths() describes: an object with "calls", of at most `most` lines, or with
// "trace". Throws UsageError that names the place in the document and, for what a file has, its line.
CallFile read_call_file(const JsonReader& value, const std::filesystem::path& folder, std::size_t most);

// True if the first line is that of a recorded call, false if it is that of a trace of requests. Throws UsageError.
bool holds_calls(const std::filesystem::path& path);

}  // namespace flashcore
