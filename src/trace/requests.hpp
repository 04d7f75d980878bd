// Public traces of requests to a server. A scheduler (trace/scheduler.hpp) makes calls of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// The prompt of a request consists of blocks of so many tokens, of which the last may be shorter.
inline constexpr std::int64_t kBlockTokens = 512;

inline constexpr std::size_t kMaxRequests = std::size_t{1} << 23;

struct TracedRequest {
  std::int64_t line;    // in the file
  std::int32_t input;   // tokens of the prompt
  std::int32_t output;  // generated tokens
  std::vector<std::int64_t>
      blocks;  // an id per block of the prompt: equal ids have equal tokens up to their end
};

struct RequestTrace {
  std::vector<TracedRequest> requests;  // in the order of the file
  bool has_blocks = false;              // the form states ids of blocks
};

// Recognises three forms:
//
//   Azure     CSV with the columns ContextTokens and GeneratedTokens
//   BurstGPT  CSV with the columns "Request tokens" and "Response tokens"
//   Mooncake  JSON lines with input_length, output_length and hash_ids
//
// Other columns and members are ignored, times too. `file` names the text in errors: "trace.csv:12: …". Throws
// UsageError, also for quoted cells and for more than kMaxRequests lines.
RequestTrace parse_requests(std::string_view text, const std::string& file);

}  // namespace flashcore
