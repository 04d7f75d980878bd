// The test of batch invariance: kernels whose bits depend on company are found, each in the company that shows it, and
// honest ones are not.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "attention/sequence_plan.hpp"
#include "broken/batch_breaks.hpp"
#include "check/batch_companies.hpp"
#include "execute/cpu_executor.hpp"
#include "registry/registry.hpp"
#include "unit/support/batch_problems.hpp"

namespace flashcore {
namespace {

using testing::paged;
using testing::ragged;
using testing::rectangular;

BatchInvariance test(const Variant& variant, const Problem& problem) {
  const auto executor = make_cpu_executor();
  executor->prepare(problem, 7);
  return executor->test_batch_invariance(variant);
}

void expect_found(const Variant& variant, const Problem& problem, std::string_view wanted) {
  const BatchInvariance found = test(variant, problem);
  EXPECT_GT(found.companies, wanted.empty() ? 8 : 0) << variant.family;
  EXPECT_TRUE(found.broken_in.starts_with(wanted)) << variant.family << ": " << found.broken_in;
  EXPECT_EQ(found.broken_in.empty(), wanted.empty()) << variant.family << ": " << found.broken_in;
}

TEST(BatchInvariance, FindsEachWayOfBreakingIt) {
  for (const Problem& problem : testing::batch_problems()) {
    for (int i = 0; i < broken::kBatchBreakCount; ++i) {
      const auto& text = broken::kBatchBreaks[i];
      expect_found(broken::cpu_batch_kernels()[static_cast<std::size_t>(i)], problem,
                   is_rectangular(problem) ? text.rectangular : text.ragged);
    }
  }
}

TEST(BatchInvariance, PlantedKernelsAreRight) {
  const auto executor = make_cpu_executor();
  for (const Problem& problem : testing::batch_problems()) {
    executor->prepare(problem, 7);
    for (const Variant& variant : broken::cpu_batch_kernels()) {
      const Check check = executor->verify(variant, {});
      EXPECT_TRUE(check.passed) << variant.family << ": " << check.reason;
    }
  }
}

const Variant& scalar() { return *find_variant("cpu_scalar/fp16_d64"); }
const Variant& fused() { return *find_variant("cpu_fused/fp16_d64_q32_kv64"); }

// Under a mask, the number of tiles of keys that a row of cpu_fused does not see depends on the other rows of its query
// tile, and each of them scales the row by 2^0, which is not exactly 1 there.
TEST(BatchInvariance, CpuFamiliesHaveItButForChunksUnderAMask) {
  for (Problem problem : testing::batch_problems()) {
    expect_found(scalar(), problem, "");
    expect_found(fused(), problem, "in chunks (149 queries");
    problem.causal = false;
    expect_found(fused(), problem, "");
  }
}

TEST(BatchInvariance, KeepsThePreparedProblem) {
  const auto executor = make_cpu_executor();
  executor->prepare(ragged(), 7);
  const Check before = executor->verify(fused(), {});
  const std::string hash = executor->output_hash();
  executor->test_batch_invariance(broken::cpu_batch_kernels().front());
  EXPECT_TRUE(before.passed) << before.reason;
  EXPECT_TRUE(executor->verify(fused(), {}).passed);
  EXPECT_EQ(executor->output_hash(), hash);
}

TEST(BatchInvariance, ADtypeWithFactorsKeepsItsValues) {
  Problem problem = rectangular();
  problem.dtype = Dtype::e4m3;
  normalize(problem);
  expect_found(*find_variant("cpu_scalar/e4m3_d64"), problem, "");
  problem = ragged();
  problem.dtype = Dtype::e4m3;
  normalize(problem);
  expect_found(*find_variant("cpu_scalar/e4m3_d64"), problem, "");
}

TEST(BatchCompanies, AreValidAndHoldTheProbe) {
  for (const Problem& problem : testing::batch_problems()) {
    for (const ProbeCompanies& probe : probe_companies(problem)) {
      std::int32_t in_chunks = 0;
      for (const Company& company : probe.companies) {
        validate(company.problem, company.name);
        for (const int deal : {0, 1, 2}) {
          const Company dealt = deal == 0 ? company : company_of_deal(company, deal);
          validate(dealt.problem, company.name);
          EXPECT_EQ(dealt.places.size(), company.places.size());
          for (const std::int64_t place : dealt.places) {
            const SequenceRows rows = sequence_rows(dealt.problem)[static_cast<std::size_t>(place)];
            const bool chunk = company.name == "in chunks";
            if (chunk && deal == 0) in_chunks += rows.queries;
            EXPECT_TRUE(chunk || rows.queries == probe.probe.queries) << company.name;
            EXPECT_TRUE(chunk || rows.keys == probe.probe.keys) << company.name;
          }
        }
      }
      EXPECT_EQ(in_chunks, probe.probe.queries == 1 ? 0 : probe.probe.queries);
    }
  }
}

TEST(BatchCompanies, DealsChangeTheLengthsOfNeighbours) {
  const ProbeCompanies probe = probe_companies(ragged()).front();
  const Company& replayed = probe.companies.back();
  ASSERT_TRUE(replayed.is_replayed);
  std::set<std::string> lengths = {lengths_text(*replayed.problem.lengths)};
  for (const int deal : {1, 2, 3})
    lengths.insert(lengths_text(*company_of_deal(replayed, deal).problem.lengths));
  EXPECT_EQ(lengths.size(), 4U);
}

// A query must not see keys that come after its chunk.
TEST(BatchCompanies, ChunksAreLeftOutForMasksThatLookAhead) {
  Problem problem = rectangular();
  problem.causal = false;
  const auto has_chunks = [&] {
    for (const Company& company : probe_companies(problem).back().companies) {
      if (company.name == "in chunks") return true;
    }
    return false;
  };
  EXPECT_TRUE(has_chunks());
  problem.window_right = 5;
  EXPECT_FALSE(has_chunks());
}

}  // namespace
}  // namespace flashcore
