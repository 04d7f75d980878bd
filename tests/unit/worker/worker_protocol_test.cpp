// Both ends of the protocol in one process: what one end writes, the other reads.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json_fields.hpp"
#include "results/device_json.hpp"
#include "results/notes_json.hpp"
#include "results/record_json.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"
#include "worker/job_server.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::expect_contains;
using testing::fake_variant;
using testing::FakeExecutor;

// A JSON value after it was written to a line and parsed again.
JsonDocument through_a_line(const Json& json) {
  const std::string line = to_line(json);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return JsonDocument(line, "line");
}

TEST(WorkerProtocol, HelloRoundTrips) {
  FakeExecutor executor;
  executor.measure_ceilings();
  Hello hello{.version = "1.2", .git_commit = "abc", .git_dirty = true, .device = executor.device()};
  hello.device.pci_bus_id = "0000:01:00.0";
  hello.device.memory_bus_bits = 5120;
  hello.device.code_problem = "no code, and a\nsecond line";
  const JsonDocument document = through_a_line(to_json(hello));
  const Hello back = hello_from_json(JsonReader(document));
  EXPECT_EQ(to_json(back), to_json(hello));
  EXPECT_EQ(back.device.limits.compute_capability, 90);
  EXPECT_EQ(back.device.l2_bytes, std::int64_t{50} << 20);
  EXPECT_EQ(back.device.ceilings->exp2_per_s, 4e12);
  EXPECT_EQ(back.device.code_problem, hello.device.code_problem);
}

TEST(WorkerProtocol, OnlyTheVersionOfAnUnknownProtocolIsRead) {
  const JsonDocument document = through_a_line({{"protocol", 99}});
  EXPECT_EQ(hello_from_json(JsonReader(document)).protocol, 99);
}

TEST(WorkerProtocol, SamplesKeepEveryBitAndNonfiniteNumbers) {
  for (const double us : {1.0 / 3, std::numeric_limits<double>::infinity()}) {
    const JsonDocument document = through_a_line(to_json(Sample{us, 7}));
    const Sample back = sample_from_json(JsonReader(document));
    EXPECT_EQ(back.us, us);
    EXPECT_EQ(back.launches, 7);
  }
  const JsonDocument document = through_a_line(to_json(Sample{std::nan(""), 1}));
  EXPECT_TRUE(std::isnan(sample_from_json(JsonReader(document)).us));
}

TEST(WorkerProtocol, InspectionsAndPoliciesRoundTrip) {
  const Inspection inspection{.unsupported = "too wide",
                              .resources = {.registers = 255, .occupancy = 0.25, .grid_blocks = 1 << 20},
                              .code_hash = "0123"};
  const JsonDocument inspected = through_a_line(to_json(inspection));
  EXPECT_EQ(to_json(inspection_from_json(JsonReader(inspected))), to_json(inspection));
  const CheckPolicy policy{.unfused_factor = 3, .max_abs = 1e-3, .rel_l2 = 2e-3};
  const JsonDocument told = through_a_line(to_json(policy));
  EXPECT_EQ(to_json(check_policy_from_json(JsonReader(told))), to_json(policy));
}

TEST(WorkerProtocol, FailuresKeepTheirStatusAndInvalidUtf8) {
  const JsonDocument document = through_a_line(failure_to_json("bad \xff byte", Status::crashed));
  const EnvironmentError error = failure_from_json(JsonReader(document)["failure"]);
  EXPECT_EQ(error.status, Status::crashed);
  expect_contains(error.what(), "bad ");
}

class JobServerTest : public ::testing::Test {
 protected:
  JobServerTest() {
    for (const Variant& variant : variants) pointers.push_back(&variant);
  }

  JsonDocument answer(const Json& request) {
    JobServer server(executor, pointers);
    (void)server.answer(
        to_line({{"call", "prepare"}, {"problem", to_json(problem)}, {"seed", 1}, {"inputs", "normal"}}));
    return JsonDocument(server.answer(to_line(request)), "answer");
  }
  Status failure_of(const Json& request) {
    const JsonDocument document = answer(request);
    return failure_from_json(JsonReader(document)["failure"]).status;
  }
  Json about(std::size_t index, Call call) {
    return {{"call", to_string(call)},
            {"variant", variants[index].id()},
            {"clock", "hot"},
            {"policy", to_json(CheckPolicy{})}};
  }

  Problem problem = testing::sample_problem();
  std::vector<Variant> variants{fake_variant("one"), fake_variant("two")};
  std::vector<const Variant*> pointers;
  FakeExecutor executor;
};

TEST_F(JobServerTest, AnswersEqualTheExecutorsResults) {
  const JsonDocument checked = answer(about(0, Call::verify));
  const Check check = check_from_json(JsonReader(checked)["result"], problem);
  EXPECT_EQ(check_to_json(check, problem), check_to_json(executor.verify(variants[0], {}), problem));

  const JsonDocument sampled = answer(about(1, Call::sample));
  EXPECT_NEAR(sample_from_json(JsonReader(sampled)["result"]).us, 10, 1);

  const JsonDocument inspected = answer(about(1, Call::inspect));
  EXPECT_EQ(inspection_from_json(JsonReader(inspected)["result"]).code_hash, "hash of " + variants[1].id());

  const JsonDocument listed = answer({{"call", "variants"}});
  EXPECT_EQ(listed.root().at("result").size(), 2u);
}

TEST_F(JobServerTest, FurtherVariantsAreThoseOfThePreparedProblem) {
  const Variant further = fake_variant("further");
  const auto only_here = [&](const Problem& asked) {
    return asked == problem ? std::vector<const Variant*>{&further} : std::vector<const Variant*>{};
  };
  JobServer server(executor, pointers, only_here);
  const Json sample = {{"call", "sample"}, {"variant", further.id()}, {"clock", "hot"}};
  expect_contains(server.answer(to_line(sample)), "\"failure\"");
  (void)server.answer(
      to_line({{"call", "prepare"}, {"problem", to_json(problem)}, {"seed", 1}, {"inputs", "normal"}}));
  expect_contains(server.answer(to_line(sample)), "\"launches\"");
}

TEST_F(JobServerTest, TellsWhatASampleCompiled) {
  executor.set_script(variants[0].id(), {.compiles = [](int number) { return number == 0; }});
  for (const bool compiled : {true, false}) {
    const JsonDocument sampled = answer(about(0, Call::sample));
    EXPECT_EQ(sample_from_json(JsonReader(sampled)["result"]).compiled, compiled);
  }
}

TEST_F(JobServerTest, NotesAreTheExecutors) {
  executor.set_script(variants[0].id(),
                      {.notes = {.compile_s = 2, .choices = {{"f", "x"}}, .in_process = ""}});
  const JsonDocument noted = answer(about(0, Call::notes));
  const KernelNotes notes = notes_from_json(JsonReader(noted)["result"]);
  EXPECT_EQ(notes.compile_s, 2);
  EXPECT_EQ(notes.choices.at("f"), "x");
}

TEST_F(JobServerTest, FailuresAreAnswersWithTheirStatus) {
  executor.set_script(variants[0].id(), {.behaviour = Behaviour::out_of_memory});
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::throws_in_sample});
  EXPECT_EQ(failure_of(about(0, Call::verify)), Status::out_of_memory);
  EXPECT_EQ(failure_of(about(1, Call::sample)), Status::error);
}

TEST_F(JobServerTest, InvalidRequestsAreAnswered) {
  EXPECT_EQ(failure_of({{"call", "verfy"}}), Status::error);
  EXPECT_EQ(failure_of({{"call", "sample"}, {"variant", "none/such"}, {"clock", "hot"}}), Status::error);
  JobServer server(executor, pointers);
  expect_contains(server.answer("{"), "\"failure\"");
}

TEST_F(JobServerTest, RequestsBeforePrepareAreAnswered) {
  JobServer server(executor, pointers);
  for (const Call call : {Call::verify, Call::sample, Call::contrast, Call::output_hash}) {
    expect_contains(server.answer(to_line(about(0, call))), "needs a problem");
  }
}

TEST_F(JobServerTest, AVariantOfAnotherBuildIsUnsupported) {
  const JsonDocument inspected = answer({{"call", "inspect"}, {"variant", "none/such"}});
  EXPECT_FALSE(inspection_from_json(JsonReader(inspected)["result"]).unsupported.empty());
}

}  // namespace
}  // namespace flashcore
