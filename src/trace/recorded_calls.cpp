#include "trace/recorded_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/json_document.hpp"
#include "base/json_fields.hpp"
#include "trace/safetensors.hpp"
#include "trace/trace_file.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxLength = std::numeric_limits<std::int32_t>::max();
constexpr int kFoldersUp = 4;

std::vector<std::int64_t> integers_of(const JsonReader& list) {
  std::vector<std::int64_t> values;
  for (const JsonReader& value : elements(list)) values.push_back(value.integer(0, kMaxLength));
  return values;
}

std::vector<std::int32_t> lengths_of(const JsonReader& list) {
  std::vector<std::int32_t> lengths;
  for (const std::int64_t length : integers_of(list)) lengths.push_back(static_cast<std::int32_t>(length));
  return lengths;
}

std::vector<std::int64_t> tensor_of(const JsonReader& input, const ReadTensor& read_tensor) {
  if (!input.is_object()) return integers_of(input);
  if (const std::string type = require_field(input, "type").line(); type != "safetensors") {
    input.fail(fmt::format("is of type \"{}\", which records no lengths", type));
  }
  const std::string path = require_field(input, "path").line();
  const std::string key = require_field(input, "tensor_key").line();
  try {
    return read_tensor(path, key);
  } catch (const UsageError& error) {
    input.fail(error.what());
  }
}

// The differences of neighbours.
std::vector<std::int64_t> parts_of(const JsonReader& input, const ReadTensor& read_tensor) {
  const std::vector<std::int64_t> begins = tensor_of(input, read_tensor);
  if (begins.size() < 2) input.fail("must have at least two entries");
  std::vector<std::int64_t> parts;
  for (std::size_t i = 1; i < begins.size(); ++i) {
    const bool is_right = begins[i - 1] >= 0 && begins[i] >= begins[i - 1] && begins[i] <= kMaxLength;
    if (!is_right)
      input.fail(fmt::format("must not fall, nor be outside of 32 bits, as its entry {} does", i));
    parts.push_back(begins[i] - begins[i - 1]);
  }
  return parts;
}

// 64 of "gqa_paged_decode_h32_kv8_d128_ps64".
std::optional<std::int64_t> page_size_in(std::string_view definition) {
  constexpr std::string_view kMark = "_ps";
  const std::size_t at = definition.rfind(kMark);
  if (at == definition.npos) return std::nullopt;
  const std::string_view digits = definition.substr(at + kMark.size());
  std::int64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  const bool is_size = error == std::errc{} && end == digits.data() + digits.size();
  return is_size && size >= 1 && size <= kMaxLength ? std::optional(size) : std::nullopt;
}

std::int64_t page_size_of(const JsonReader& root, const JsonReader& inputs) {
  if (inputs.has("page_size")) return inputs["page_size"].integer(1, kMaxLength);
  std::optional<std::int64_t> size;
  if (root.has("definition")) size = page_size_in(root["definition"].line());
  if (!size && inputs.has("kv_last_page_len"))
    inputs.fail("needs a \"page_size\" for its \"kv_last_page_len\"");
  return size.value_or(1);
}

// Turns numbers of pages into numbers of keys.
void count_keys(std::vector<std::int64_t>& counts, std::int64_t page_size, const JsonReader& inputs,
                const ReadTensor& read_tensor) {
  if (page_size == 1) return;
  if (!inputs.has("kv_last_page_len")) {
    inputs.fail(fmt::format("needs \"kv_last_page_len\": \"kv_indptr\" counts pages of {} keys", page_size));
  }
  const JsonReader input = inputs["kv_last_page_len"];
  const std::vector<std::int64_t> last = tensor_of(input, read_tensor);
  if (last.size() != counts.size()) input.fail(fmt::format("must have {} entries", counts.size()));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (last[i] < 1 || last[i] > page_size) input.fail(fmt::format("must be from 1 to {}", page_size));
    counts[i] = (counts[i] - 1) * page_size + last[i];
    if (counts[i] > kMaxLength) input.fail("a sequence has more keys than 32 bits hold");
  }
}

Lengths lengths_of_workload(const JsonReader& root, const ReadTensor& read_tensor) {
  const bool is_nested = root.has("workload");
  const JsonReader inputs = is_nested ? require_field(root["workload"], "inputs") : root;
  std::vector<std::int64_t> kv = parts_of(require_field(inputs, "kv_indptr"), read_tensor);
  count_keys(kv, page_size_of(root, inputs), inputs, read_tensor);
  std::vector<std::int64_t> q(kv.size(), 1);
  if (inputs.has("qo_indptr")) q = parts_of(inputs["qo_indptr"], read_tensor);
  return {{q.begin(), q.end()}, {kv.begin(), kv.end()}};
}

Lengths lengths_of_line(const JsonReader& root, const ReadTensor& read_tensor) {
  const bool is_workload = root.has("workload") || root.has("kv_indptr");
  Lengths lengths =
      is_workload ? lengths_of_workload(root, read_tensor)
                  : Lengths{lengths_of(require_field(root, "q")), lengths_of(require_field(root, "kv"))};
  if (lengths.q.empty()) root.fail("has no sequence");
  if (lengths.q.size() != lengths.kv.size()) {
    root.fail(fmt::format("has {} query lengths, but {} key lengths", lengths.q.size(), lengths.kv.size()));
  }
  if (std::ssize(lengths.q) > kMaxSequences) root.fail("has too many sequences");
  return lengths;
}

// Reads tensors of files near a folder, and keeps the last file: the tensors of a line are in one.
class NearbyTensors {
 public:
  explicit NearbyTensors(fs::path folder) : folder_(std::move(folder)) {}

  std::vector<std::int64_t> read(const std::string& path, const std::string& key) {
    if (path != path_) {
      bytes_ = read_trace_file(find(path));
      path_ = path;
    }
    return safetensors_integers(bytes_, key, path);
  }

 private:
  // A workload is data of others: it names no file outside of its data set.
  fs::path find(const fs::path& path) const {
    if (path.is_absolute() || std::ranges::find(path, "..") != path.end()) {
      throw UsageError(fmt::format("{}: must be a path below the data set", path.string()));
    }
    fs::path folder = folder_;
    for (int up = 0; up <= kFoldersUp; ++up, folder /= "..") {
      std::error_code error;
      if (fs::exists(folder / path, error)) return folder / path;
    }
    throw UsageError(fmt::format("{}: does not exist in the folder of the calls nor in {} above it",
                                 path.string(), kFoldersUp));
  }

  fs::path folder_;
  std::string path_;
  std::string bytes_;
};

}  // namespace

std::vector<RecordedCall> parse_calls(std::string_view text, const std::string& file,
                                      const ReadTensor& read_tensor, std::size_t most) {
  TraceLines lines(text, file);
  std::vector<RecordedCall> calls;
  while (const std::optional<TraceLine> line = lines.next()) {
    if (calls.size() == most)
      throw UsageError(fmt::format("{}: more than {} calls", lines.where(*line), most));
    const JsonDocument document(line->text, lines.where(*line));
    calls.push_back({line->number, lengths_of_line(JsonReader(document), read_tensor)});
  }
  if (calls.empty()) throw UsageError(fmt::format("{}: has no call", file));
  return calls;
}

std::vector<RecordedCall> read_calls(const fs::path& path, std::size_t most) {
  NearbyTensors tensors(path.parent_path());
  return parse_calls(
      read_trace_file(path), path.string(),
      [&](const std::string& other, const std::string& key) { return tensors.read(other, key); }, most);
}

}  // namespace flashcore
