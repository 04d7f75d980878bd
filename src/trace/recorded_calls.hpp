// Files of recorded calls: JSON lines, one call per line, in one of two forms.
//
//   {"q": [1, 1, 512], "kv": [300, 20, 8192]}          the lengths of all sequences
//   {"qo_indptr": [0, 1, 2], "kv_indptr": [0, 9, 12]}  where each sequence begins, and the end
//
// The second form is that of FlashInfer-Trace workloads, whose lines have these members in workload.inputs: each is a
// list, or {"type": "safetensors", "path": …, "tensor_key": …}. Without qo_indptr (decoding) a sequence has one query.
// With pages of more than one key ("_ps64" at the end of the definition's name, or a member page_size), kv_indptr counts
// pages, and kv_last_page_len must be there. Which pages a sequence has (kv_indices) is not taken over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/call.hpp"

namespace flashcore {

// The whole numbers of a tensor in another file, by the path and the key that a line names.
using ReadTensor = std::function<std::vector<std::int64_t>(const std::string& path, const std::string& key)>;

// `file` names the text in errors: "calls.jsonl:12: …". The number of a call is that of its line. Throws UsageError,
// also for more than `most` lines.
std::vector<RecordedCall> parse_calls(std::string_view text, const std::string& file,
                                      const ReadTensor& read_tensor, std::size_t most = kMaxCalls);

// The calls of a file, with tensors from files near it: a path is taken from the first folder, from that of the file
// upwards, in which it exists. Throws UsageError.
std::vector<RecordedCall> read_calls(const std::filesystem::path& path, std::size_t most = kMaxCalls);

}  // namespace flashcore
