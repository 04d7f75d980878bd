#include "trace/requests.hpp"

#include <gtest/gtest.h>

#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

RequestTrace trace_of(const std::string& text) { return parse_requests(text, "t.csv"); }

void expect_request(const TracedRequest& request, std::int64_t line, std::int32_t input,
                    std::int32_t output) {
  EXPECT_EQ(request.line, line);
  EXPECT_EQ(request.input, input);
  EXPECT_EQ(request.output, output);
}

TEST(Requests, AzureIsRead) {
  const RequestTrace trace = trace_of(
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 18:17:03.9799600,4808,10\r\n"
      "2023-11-16 18:17:04.0319600,3180,8\r\n");
  ASSERT_EQ(trace.requests.size(), 2u);
  EXPECT_FALSE(trace.has_blocks);
  expect_request(trace.requests[0], 2, 4808, 10);
  expect_request(trace.requests[1], 3, 3180, 8);
}

TEST(Requests, BothFormsOfBurstGptAreRead) {
  const RequestTrace shorter = trace_of(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,ChatGPT,472,18,490,Conversation log\n");
  ASSERT_EQ(shorter.requests.size(), 1u);
  expect_request(shorter.requests[0], 2, 472, 18);
  const RequestTrace longer = trace_of(
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,1,2.5,GPT-4,472,0,472,API log\n");
  expect_request(longer.requests.at(0), 2, 472, 0);
}

TEST(Requests, MooncakeIsRead) {
  const RequestTrace trace =
      trace_of(R"({"timestamp": 0, "input_length": 1030, "output_length": 7, "hash_ids": [4, 5, 6]})"
               "\n"
               R"({"timestamp": 27, "input_length": 3, "output_length": 1, "hash_ids": [4]})");
  ASSERT_EQ(trace.requests.size(), 2u);
  EXPECT_TRUE(trace.has_blocks);
  expect_request(trace.requests[0], 1, 1030, 7);
  EXPECT_EQ(trace.requests[0].blocks, (std::vector<std::int64_t>{4, 5, 6}));
}

TEST(Requests, ErrorsNameTheLine) {
  const std::string azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  EXPECT_USAGE_ERROR(trace_of(""), "t.csv: has no request");
  EXPECT_USAGE_ERROR(trace_of(azure), "t.csv: has no request");
  EXPECT_USAGE_ERROR(trace_of("a,b,c\n1,2,3"), "t.csv:1: is no known trace");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,1,2\nx,1"), "t.csv:3: has 2 cells, but the header has 3");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,-1,2"), "t.csv:2: \"-1\" is no number of tokens");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,1.5,2"), "t.csv:2: \"1.5\" is no number");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,,2"), "t.csv:2: \"\" is no number");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,99999999999999999999,2"), "is no number of tokens");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,1073741825,2"), "is no number of tokens");
  EXPECT_USAGE_ERROR(trace_of(azure + "\"x\",1,2"), "t.csv:2: has a quoted cell");
  EXPECT_USAGE_ERROR(trace_of(azure + "x,1,2\n\nx,1,2"), "t.csv:3: is empty");
  EXPECT_USAGE_ERROR(trace_of(azure + "x\x07,1,2"), "t.csv:2: has a control character");
  EXPECT_USAGE_ERROR(trace_of(R"({"input_length": 3})"), "t.csv:1: \"output_length\" is missing");
  EXPECT_USAGE_ERROR(trace_of(R"({"input_length": 3, "output_length": 3, "hash_ids": ["a"]})"),
                     "t.csv:1: /hash_ids/0");
  EXPECT_USAGE_ERROR(trace_of("{"), "t.csv:1: ");
}

}  // namespace
}  // namespace flashcore
