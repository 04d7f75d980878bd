// The table of rules on made-up findings: the order of verdicts, and the faults that no broken kernel has.
#include <gtest/gtest.h>

#include "diagnose/rules.hpp"

namespace flashcore {
namespace {

Fault verdict(std::vector<Finding> findings) {
  const std::vector<SuspectedFault> suspected = suspected_faults(findings);
  return suspected.empty() ? Fault::unknown : suspected.front().fault;
}

Finding failed(Probe probe, Symptom symptom = Symptom::failed) {
  return {.probe = probe, .symptom = symptom};
}

TEST(DiagnoseRules, NothingFailedIsNoFault) {
  EXPECT_TRUE(
      suspected_faults(std::vector<Finding>{{Probe::plain}, {Probe::repeats, Symptom::skipped}}).empty());
}

TEST(DiagnoseRules, AnUnexplainedFailureIsUnknown) {
  const auto suspected = suspected_faults(std::vector<Finding>{{Probe::repeats}, failed(Probe::plain)});
  ASSERT_EQ(suspected.size(), 1u);
  EXPECT_EQ(suspected.front().fault, Fault::unknown);
  EXPECT_EQ(suspected.front().lead, Probe::plain);
}

TEST(DiagnoseRules, ACrashIsTheOnlyVerdict) {
  const auto suspected =
      suspected_faults(std::vector<Finding>{failed(Probe::repeats), failed(Probe::heads, Symptom::crashed)});
  ASSERT_EQ(suspected.size(), 1u);
  EXPECT_EQ(suspected.front().fault, Fault::crash);
  EXPECT_EQ(suspected.front().lead, Probe::heads);
}

TEST(DiagnoseRules, ARaceExplainsEverythingElse) {
  EXPECT_EQ(verdict({failed(Probe::tile_masses, Symptom::tile_missing), failed(Probe::repeats)}),
            Fault::race);
}

// What explains everything stands alone.
TEST(DiagnoseRules, ChangedInputsAndOutputsOfOneKindExplainEverything) {
  const auto alone = [](std::vector<Finding> findings) {
    findings.push_back(failed(Probe::repeats));
    findings.push_back(failed(Probe::probabilities));
    findings.push_back(failed(Probe::softcap));
    const std::vector<SuspectedFault> suspected = suspected_faults(findings);
    return suspected.size() == 1 ? suspected.front().fault : Fault::unknown;
  };
  EXPECT_EQ(alone({failed(Probe::inputs_kept)}), Fault::changes_inputs);
  const auto of_output = [](Symptom symptom) {
    return suspected_faults(
               std::vector<Finding>{failed(Probe::query_rows, symptom), failed(Probe::probabilities)})
        .front()
        .fault;
  };
  EXPECT_EQ(of_output(Symptom::all_nan), Fault::all_nan);
  EXPECT_EQ(of_output(Symptom::all_zero), Fault::all_zero);
}

TEST(DiagnoseRules, AWorkspaceThatIsTooSmall) {
  EXPECT_EQ(verdict({failed(Probe::plain), failed(Probe::workspace_kept)}), Fault::workspace);
}

// A sum that only the log-sum-exp shows is not the sum that O is divided by, nor one of too many keys.
TEST(DiagnoseRules, AWrongLogSumExpBlamesNothingElse) {
  for (const auto& [symptom, fault] :
       {std::pair(Symptom::lse_base_2, Fault::lse_base), std::pair(Symptom::lse_offset, Fault::lse_offset),
        std::pair(Symptom::lse_unscaled, Fault::lse_scale), std::pair(Symptom::failed, Fault::log_sum_exp)}) {
    const auto suspected = suspected_faults(std::vector<Finding>{
        failed(Probe::one_tile_lse), failed(Probe::lse_levels, symptom), failed(Probe::rising_lse),
        failed(Probe::long_sum, Symptom::lse_alone), failed(Probe::key_tail, Symptom::keys_lost),
        failed(Probe::lse_anywhere, Symptom::lse_alone)});
    ASSERT_EQ(suspected.size(), 1u);
    EXPECT_EQ(suspected.front().fault, fault);
  }
  EXPECT_EQ(verdict({failed(Probe::lse_anywhere, Symptom::lse_alone)}), Fault::log_sum_exp);
}

TEST(DiagnoseRules, AKeyDroppedIsNotAKeyTooMany) {
  EXPECT_EQ(verdict({failed(Probe::key_tail, Symptom::keys_lost)}), Fault::tail_dropped);
  const auto suspected = suspected_faults(
      std::vector<Finding>{failed(Probe::full_tiles, Symptom::last_key_lost), failed(Probe::causal_square)});
  ASSERT_EQ(suspected.size(), 1u);
  EXPECT_EQ(suspected.front().fault, Fault::last_key);
}

TEST(DiagnoseRules, TheMaximumStartsTooHighOnlyIfNothingElseExplainsIt) {
  EXPECT_EQ(verdict({failed(Probe::far_below)}), Fault::maximum_start);
  EXPECT_EQ(verdict({failed(Probe::large_score), failed(Probe::far_below)}), Fault::overflow);
  EXPECT_EQ(verdict({failed(Probe::far_below), failed(Probe::key_tail, Symptom::sum_off)}), Fault::key_tail);
}

TEST(DiagnoseRules, PlacesOfTheOutput) {
  EXPECT_EQ(verdict({failed(Probe::written, Symptom::unwritten)}), Fault::unwritten);
  EXPECT_EQ(verdict({failed(Probe::written, Symptom::out_of_bounds)}), Fault::out_of_bounds);
  EXPECT_EQ(verdict({failed(Probe::written, Symptom::misplaced)}), Fault::output_stride);
  EXPECT_EQ(verdict({failed(Probe::query_rows, Symptom::all_zero)}), Fault::all_zero);
  EXPECT_EQ(verdict({failed(Probe::query_tail)}), Fault::query_tail);
  EXPECT_EQ(verdict({failed(Probe::padded_values)}), Fault::input_stride);
  EXPECT_EQ(verdict({failed(Probe::heads), failed(Probe::kv_heads)}), Fault::head_index);
}

TEST(DiagnoseRules, Softmax) {
  EXPECT_EQ(verdict({failed(Probe::probabilities, Symptom::rows_scaled), failed(Probe::one_tile_lse)}),
            Fault::row_sum);
  EXPECT_EQ(verdict({failed(Probe::falling)}), Fault::maximum);
  EXPECT_EQ(verdict({failed(Probe::rising)}), Fault::rescaling);
  EXPECT_EQ(verdict({failed(Probe::one_tile_lse)}), Fault::log_sum_exp);
  EXPECT_EQ(verdict({failed(Probe::rising_lse)}), Fault::log_sum_exp);
  EXPECT_EQ(verdict({failed(Probe::scale)}), Fault::scale);
}

TEST(DiagnoseRules, SumsOverManyKeysAreToldApart) {
  const auto faults_of = [](Symptom symptom) {
    std::vector<Fault> faults;
    for (const SuspectedFault& one :
         suspected_faults(std::vector<Finding>{failed(Probe::long_sum, symptom)})) {
      faults.push_back(one.fault);
    }
    return faults;
  };
  EXPECT_EQ(faults_of(Symptom::output_alone), std::vector{Fault::output_precision});
  EXPECT_EQ(faults_of(Symptom::sum_off), std::vector{Fault::sum_precision});
}

// Sums of P·V that lose bits are off over the keys of two tiles already; the tail is not to blame for that.
TEST(DiagnoseRules, TheTailIsBlamedForItsKeysAlone) {
  for (const Symptom symptom : {Symptom::sum_off, Symptom::nonfinite, Symptom::output_alone}) {
    EXPECT_EQ(verdict({failed(Probe::key_tail, symptom)}), Fault::key_tail);
  }
  const auto suspected = suspected_faults(std::vector<Finding>{
      failed(Probe::long_sum, Symptom::output_alone), failed(Probe::key_tail, Symptom::output_alone)});
  ASSERT_EQ(suspected.size(), 1u);
  EXPECT_EQ(suspected[0].fault, Fault::output_precision);
}

TEST(DiagnoseRules, Masks) {
  EXPECT_EQ(verdict({failed(Probe::causal_square)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::causal_tall)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::window)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::causal_tall), failed(Probe::keyless_rows)}), Fault::keyless_rows);
  EXPECT_EQ(verdict({failed(Probe::causal_square), failed(Probe::keyless_rows)}), Fault::mask);
  EXPECT_EQ(verdict({failed(Probe::softcap)}), Fault::softcap);
}

TEST(DiagnoseRules, FurtherSuspicionsFollow) {
  const auto suspected = suspected_faults(
      std::vector<Finding>{failed(Probe::key_tail, Symptom::sum_off), failed(Probe::softcap)});
  ASSERT_EQ(suspected.size(), 2u);
  EXPECT_EQ(suspected[0].fault, Fault::key_tail);
  EXPECT_EQ(suspected[1].fault, Fault::softcap);
}

}  // namespace
}  // namespace flashcore
