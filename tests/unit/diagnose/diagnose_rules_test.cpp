// The table of rules on made-up findings: the order of verdicts, and the faults that no broken kernel has.
#include <gtest/gtest.h>

#include "diagnose/rules.hpp"

namespace flashcore {
namespace {

Fault verdict(std::vector<Finding> findings) {
  const std::vector<Suspicion> suspicions = suspect(findings);
  return suspicions.empty() ? Fault::unknown : suspicions.front().fault;
}

Finding failed(Probe probe, Sign sign = Sign::failed) { return {.probe = probe, .sign = sign}; }

TEST(DiagnoseRules, NothingFailedIsNoFault) {
  EXPECT_TRUE(suspect(std::vector<Finding>{{Probe::plain}, {Probe::repeats, Sign::skipped}}).empty());
}

TEST(DiagnoseRules, AnUnexplainedFailureIsUnknown) {
  const auto suspicions = suspect(std::vector<Finding>{{Probe::repeats}, failed(Probe::plain)});
  ASSERT_EQ(suspicions.size(), 1u);
  EXPECT_EQ(suspicions.front().fault, Fault::unknown);
  EXPECT_EQ(suspicions.front().lead, Probe::plain);
}

TEST(DiagnoseRules, ACrashIsTheOnlyVerdict) {
  const auto suspicions =
      suspect(std::vector<Finding>{failed(Probe::repeats), failed(Probe::heads, Sign::crashed)});
  ASSERT_EQ(suspicions.size(), 1u);
  EXPECT_EQ(suspicions.front().fault, Fault::crash);
  EXPECT_EQ(suspicions.front().lead, Probe::heads);
}

TEST(DiagnoseRules, ARaceExplainsEverythingElse) {
  EXPECT_EQ(verdict({failed(Probe::tile_masses, Sign::tile_missing), failed(Probe::repeats)}), Fault::race);
}

TEST(DiagnoseRules, PlacesOfTheOutput) {
  EXPECT_EQ(verdict({failed(Probe::written, Sign::unwritten)}), Fault::unwritten);
  EXPECT_EQ(verdict({failed(Probe::written, Sign::out_of_bounds)}), Fault::out_of_bounds);
  EXPECT_EQ(verdict({failed(Probe::written, Sign::misplaced)}), Fault::output_stride);
  EXPECT_EQ(verdict({failed(Probe::query_rows, Sign::all_zero)}), Fault::all_zero);
  EXPECT_EQ(verdict({failed(Probe::query_tail)}), Fault::query_tail);
  EXPECT_EQ(verdict({failed(Probe::padded_values)}), Fault::input_stride);
  EXPECT_EQ(verdict({failed(Probe::heads), failed(Probe::kv_heads)}), Fault::head_index);
}

TEST(DiagnoseRules, Softmax) {
  EXPECT_EQ(verdict({failed(Probe::probabilities, Sign::rows_scaled), failed(Probe::one_tile_lse)}),
            Fault::row_sum);
  EXPECT_EQ(verdict({failed(Probe::falling)}), Fault::maximum);
  EXPECT_EQ(verdict({failed(Probe::rising)}), Fault::rescaling);
  EXPECT_EQ(verdict({failed(Probe::one_tile_lse)}), Fault::log_sum_exp);
  EXPECT_EQ(verdict({failed(Probe::rising_lse)}), Fault::log_sum_exp);
  EXPECT_EQ(verdict({failed(Probe::scale)}), Fault::scale);
}

TEST(DiagnoseRules, SumsOverManyKeysAreToldApart) {
  const auto faults_of = [](Sign sign) {
    std::vector<Fault> faults;
    for (const Suspicion& one : suspect(std::vector<Finding>{failed(Probe::long_sum, sign)})) {
      faults.push_back(one.fault);
    }
    return faults;
  };
  EXPECT_EQ(faults_of(Sign::output_alone), std::vector{Fault::output_precision});
  EXPECT_EQ(faults_of(Sign::sum_off), std::vector{Fault::sum_precision});
}

// Sums of P·V that lose bits are off over the keys of two tiles already; the tail is not to blame for that.
TEST(DiagnoseRules, TheTailIsBlamedForItsKeysAlone) {
  for (const Sign sign : {Sign::sum_off, Sign::nonfinite, Sign::output_alone}) {
    EXPECT_EQ(verdict({failed(Probe::key_tail, sign)}), Fault::key_tail);
  }
  const auto suspicions = suspect(std::vector<Finding>{failed(Probe::long_sum, Sign::output_alone),
                                                       failed(Probe::key_tail, Sign::output_alone)});
  ASSERT_EQ(suspicions.size(), 1u);
  EXPECT_EQ(suspicions[0].fault, Fault::output_precision);
}

TEST(DiagnoseRules, Masks) {
  EXPECT_EQ(verdict({failed(Probe::causal_square)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::causal_tall)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::window)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::softcap)}), Fault::softcap);
}

TEST(DiagnoseRules, FurtherSuspicionsFollow) {
  const auto suspicions =
      suspect(std::vector<Finding>{failed(Probe::key_tail, Sign::sum_off), failed(Probe::softcap)});
  ASSERT_EQ(suspicions.size(), 2u);
  EXPECT_EQ(suspicions[0].fault, Fault::key_tail);
  EXPECT_EQ(suspicions[1].fault, Fault::softcap);
}

}  // namespace
}  // namespace flashcore
