#include "trace/recorded_calls.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "trace/safetensors.hpp"
#include "trace/trace_file.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

std::vector<std::int64_t> no_tensor(const std::string& path, const std::string&) {
  throw UsageError(path + ": was asked for");
}

std::vector<RecordedCall> calls_of(std::string_view text) { return parse_calls(text, "c.jsonl", no_tensor); }

std::string only_call(std::string_view text) {
  const std::vector<RecordedCall> calls = calls_of(text);
  EXPECT_EQ(calls.size(), 1u);
  return lengths_text(calls.front().lengths);
}

TEST(TraceLines, NumbersLinesAndStripsTheirEnds) {
  TraceLines lines(
      "\xEF\xBB\xBF"
      "a\r\nb\n\n",
      "x.csv");
  const std::optional<TraceLine> first = lines.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->text, "a");
  EXPECT_EQ(lines.where(*first), "x.csv:1");
  EXPECT_EQ(lines.next()->text, "b");
  EXPECT_FALSE(lines.next().has_value());
  EXPECT_USAGE_ERROR(TraceLines("\n\n\na", "x.csv").next(), "x.csv:1: is empty");
  EXPECT_USAGE_ERROR(TraceLines("a\x1b[31m", "x.csv").next(), "x.csv:1: has a control character");
  EXPECT_USAGE_ERROR(TraceLines(std::string_view("a\0b", 3), "x.csv").next(), "has a control character");
  EXPECT_FALSE(TraceLines("", "x.csv").next().has_value());
}

TEST(RecordedCalls, EachLineIsACall) {
  const std::vector<RecordedCall> calls = calls_of(
      "{\"q\": [1, 1, 512], \"kv\": [300, 20, 8192]}\n"
      "{\"q\": [5], \"kv\": [0]}\n");
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].lengths, (Lengths{{1, 1, 512}, {300, 20, 8192}}));
  EXPECT_EQ(calls[1].lengths, (Lengths{{5}, {0}}));
  EXPECT_EQ(calls[1].number, 2);
}

TEST(RecordedCalls, ErrorsNameTheLine) {
  const std::string right = "{\"q\": [1], \"kv\": [3]}\n";
  EXPECT_USAGE_ERROR(calls_of(""), "c.jsonl: has no call");
  EXPECT_USAGE_ERROR(calls_of(right + "{\"q\": [1]}"), "c.jsonl:2: \"kv\" is missing");
  EXPECT_USAGE_ERROR(calls_of(right + "{\"q\": [1], \"kv\": [3, 4]}"),
                     "c.jsonl:2: has 1 query lengths, but 2");
  EXPECT_USAGE_ERROR(calls_of(right + "{\"q\": [], \"kv\": []}"), "c.jsonl:2: has no sequence");
  EXPECT_USAGE_ERROR(calls_of(right + "{\"q\": [1], \"kv\": [-3]}"), "c.jsonl:2: /kv/0: -3 is out of range");
  EXPECT_USAGE_ERROR(calls_of(right + "{\"q\": [1], \"kv\": [4294967296]}"), "c.jsonl:2: /kv/0: ");
  EXPECT_USAGE_ERROR(calls_of(right + "\xff\xfe"), "c.jsonl:2: ");
  EXPECT_USAGE_ERROR(calls_of(right + "[1, 2]"), "c.jsonl:2: ");
  EXPECT_USAGE_ERROR(calls_of(right + "\n" + right), "c.jsonl:2: is empty");
  std::string many;
  for (std::size_t i = 0; i <= kMaxCalls; ++i) many += right;
  EXPECT_USAGE_ERROR(calls_of(many), "c.jsonl:10001: more than 10000 calls");
}

TEST(RecordedCalls, PointersOfFlashInferBecomeLengths) {
  EXPECT_EQ(only_call(R"({"qo_indptr": [0, 1, 3], "kv_indptr": [0, 9, 12]})"), "q1s9_q2s3");
  EXPECT_EQ(only_call(R"({"kv_indptr": [4, 9, 9]})"), "q1s5_q1s0");  // decoding: one query
  const std::string inputs =
      R"({"q": {"type": "random"}, "qo_indptr": [0, 7, 7, 8], "kv_indptr": [0, 3, 3, 4], )"
      R"("kv_last_page_len": [5, 0, 64]})";
  EXPECT_EQ(
      only_call(R"({"definition": "gqa_paged_prefill_h8_ps64", "workload": {"inputs": )" + inputs + "}}"),
      "q7s133_q0_q1s64");
  EXPECT_EQ(only_call(R"({"page_size": 2, "kv_indptr": [0, 3], "kv_last_page_len": [1]})"), "q1s5");
  EXPECT_EQ(
      only_call(R"({"definition": "gqa_paged_decode_ps1", "workload": {"inputs": {"kv_indptr": [0, 3]}}})"),
      "q1s3");
}

TEST(RecordedCalls, WrongPointersAreRefused) {
  EXPECT_USAGE_ERROR(calls_of(R"({"kv_indptr": [0]})"), "c.jsonl:1: /kv_indptr: must have at least two");
  EXPECT_USAGE_ERROR(calls_of(R"({"kv_indptr": [0, 5, 4]})"),
                     "/kv_indptr: must not fall, nor be outside of 32 bits, as its entry 2");
  EXPECT_USAGE_ERROR(calls_of(R"({"qo_indptr": [0, 1], "kv_indptr": [0, 5, 9]})"), "1 query lengths, but 2");
  EXPECT_USAGE_ERROR(calls_of(R"({"page_size": 64, "kv_indptr": [0, 5]})"), "needs \"kv_last_page_len\"");
  EXPECT_USAGE_ERROR(calls_of(R"({"kv_last_page_len": [1], "kv_indptr": [0, 5]})"), "needs a \"page_size\"");
  EXPECT_USAGE_ERROR(calls_of(R"({"page_size": 4, "kv_last_page_len": [5], "kv_indptr": [0, 5]})"),
                     "must be from 1 to 4");
  EXPECT_USAGE_ERROR(calls_of(R"({"page_size": 4, "kv_last_page_len": [5, 1], "kv_indptr": [0, 5]})"),
                     "must have 1 entries");
  EXPECT_USAGE_ERROR(calls_of(R"({"page_size": 2147483647, "kv_last_page_len": [5], "kv_indptr": [0, 5]})"),
                     "more keys than 32 bits hold");
  EXPECT_USAGE_ERROR(calls_of(R"({"kv_indptr": {"type": "random"}})"), "is of type \"random\"");
  EXPECT_USAGE_ERROR(calls_of(R"({"kv_indptr": {"type": "safetensors", "path": "a", "tensor_key": "k"}})"),
                     "c.jsonl:1: /kv_indptr: a: was asked for");
}

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string safetensors(const std::string& header, const std::string& data) {
  return little_endian(header.size(), 8) + header + data;
}

// kv_indptr as 32 bits, qo_indptr as 64 bits.
std::string sample_tensors() {
  std::string data;
  for (const std::uint64_t value : {0u, 9u, 12u}) data += little_endian(value, 4);
  for (const std::uint64_t value : {0u, 1u, 3u}) data += little_endian(value, 8);
  return safetensors(R"({"__metadata__": {"format": "pt"},
      "kv_indptr": {"dtype": "I32", "shape": [3], "data_offsets": [0, 12]},
      "qo_indptr": {"dtype": "I64", "shape": [3], "data_offsets": [12, 36]}})",
                     data);
}

TEST(Safetensors, IntegersAreRead) {
  using Values = std::vector<std::int64_t>;
  EXPECT_EQ(safetensors_integers(sample_tensors(), "kv_indptr", "x"), (Values{0, 9, 12}));
  EXPECT_EQ(safetensors_integers(sample_tensors(), "qo_indptr", "x"), (Values{0, 1, 3}));
  const std::string negative = safetensors(R"({"a": {"dtype": "I32", "shape": [1], "data_offsets": [0, 4]}})",
                                           little_endian(0xFFFFFFFF, 4));
  EXPECT_EQ(safetensors_integers(negative, "a", "x"), (Values{-1}));
}

TEST(Safetensors, DamageIsRefused) {
  const std::string whole = sample_tensors();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_USAGE_ERROR(safetensors_integers(std::string_view(whole).substr(0, size), "qo_indptr", "x"),
                       "x: ");
  }
  const auto read = [](const std::string& tensor) {
    return safetensors_integers(safetensors(R"({"a": )" + tensor + "}", std::string(16, '\0')), "a", "x");
  };
  EXPECT_EQ(read(R"({"dtype": "I64", "shape": [2], "data_offsets": [0, 16]})").size(), 2u);
  EXPECT_USAGE_ERROR(read(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})"),
                     "unknown word \"F32\"");
  EXPECT_USAGE_ERROR(read(R"({"dtype": "I64", "shape": [2], "data_offsets": [0, 8]})"), "another size");
  EXPECT_USAGE_ERROR(read(R"({"dtype": "I64", "shape": [2, 1], "data_offsets": [0, 16]})"), "one axis");
  EXPECT_USAGE_ERROR(read(R"({"dtype": "I64", "shape": [2], "data_offsets": [8, 24]})"), "out of range");
  EXPECT_USAGE_ERROR(read(R"({"dtype": "I64", "shape": [2], "data_offsets": [8, 0]})"), "out of range");
  EXPECT_USAGE_ERROR(safetensors_integers(whole, "no", "x"), "\"no\" is missing");
  EXPECT_USAGE_ERROR(safetensors_integers(std::string(8, '\xff') + "{}", "a", "x"), "no safetensors file");
}

TEST(RecordedCalls, TensorsAreFoundAboveTheFile) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "workloads/gqa");
  std::filesystem::create_directories(folder / "blob");
  std::ofstream(folder / "blob/t.safetensors", std::ios::binary) << sample_tensors();
  const auto line = [](const std::string& path) {
    return R"({"workload": {"inputs": {"kv_indptr": {"type": "safetensors", "path": ")" + path +
           R"(", "tensor_key": "kv_indptr"}, "qo_indptr": {"type": "safetensors", "path": ")" + path +
           R"(", "tensor_key": "qo_indptr"}}}})" + "\n";
  };
  std::ofstream(folder / "workloads/gqa/w.jsonl") << line("./blob/t.safetensors");
  const std::vector<RecordedCall> calls = read_calls(folder / "workloads/gqa/w.jsonl");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(lengths_text(calls[0].lengths), "q1s9_q2s3");
  std::ofstream(folder / "workloads/gqa/v.jsonl") << line("../../blob/t.safetensors");
  EXPECT_USAGE_ERROR(read_calls(folder / "workloads/gqa/v.jsonl"), "must be a path below the data set");
  std::ofstream(folder / "workloads/gqa/u.jsonl") << line("blob/none.safetensors");
  EXPECT_USAGE_ERROR(read_calls(folder / "workloads/gqa/u.jsonl"), "blob/none.safetensors: does not exist");
}

TEST(Calls, EqualCallsAreMergedAndKeepTheirNumbers) {
  const Lengths a{{1}, {5}};
  const Lengths b{{2}, {5}};
  const RecordedCall calls[] = {{1, a}, {2, b}, {3, a}, {4, a}, {5, a}, {9, a}};
  const std::vector<EqualCalls> merged = merge_equal(calls);
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].lengths, a);
  EXPECT_EQ(numbers_text(merged[0].numbers), "1, 3-5, 9");
  EXPECT_EQ(numbers_text(merged[1].numbers), "2");
  const std::int64_t pair[] = {7, 8, 10};
  EXPECT_EQ(numbers_text(pair), "7, 8, 10");
}

}  // namespace
}  // namespace flashcore
