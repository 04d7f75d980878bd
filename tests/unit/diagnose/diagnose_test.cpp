// Diagnosis as a whole, on the CPU: kernels with one fault each get the right verdict, right ones get none.
#include <gtest/gtest.h>

#include <iostream>
#include <span>

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "broken/kernels.hpp"
#include "broken/matrix.hpp"
#include "diagnose/child_diagnosis.hpp"
#include "diagnose/finding_json.hpp"
#include "diagnose/probes.hpp"
#include "execute/cpu_executor.hpp"
#include "registry/registry.hpp"
#include "render/diagnosis_output.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/kernel_variant.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;

const Launcher& launcher() {
  static const Launcher instance = open_launcher({.kind = DeviceRequest::Kind::cpu});
  return instance;
}

Problem problem_of(const Variant& variant) {
  return {.heads_q = 2,
          .heads_kv = 2,
          .seq_q = 100,
          .seq_kv = 150,
          .head_dim = variant.spec.head_dim,
          .dtype = variant.spec.dtype,
          .scale = default_scale(variant.spec.head_dim)};
}

Diagnosis diagnose_one(const Variant& variant) {
  return diagnose(launcher(), variant, problem_of(variant), 1);
}

const Variant& kernel_with(broken::Break which) {
  return broken::cpu_kernels()[static_cast<std::size_t>(which)];
}

TEST(FaultMatrix, EachBrokenKernelGetsItsVerdictFirst) {
  const auto executor = make_cpu_executor();
  std::vector<broken::MatrixRow> rows;
  for (int i = 0; i < broken::kBreakCount; ++i) {
    const auto which = static_cast<broken::Break>(i);
    rows.push_back(broken::examine(launcher(), *executor, kernel_with(which), which));
    EXPECT_TRUE(rows.back().as_expected()) << to_text(rows.back().diagnosis, false);
  }
  std::cout << broken::to_table(rows);
}

TEST(Diagnose, RightVariantsGetNoVerdict) {
  for (const Variant* variant : all_variants()) {
    if (variant->backend != Backend::cpu || variant->family.starts_with("fake")) continue;
    if (variant->spec.head_dim != 64 && variant->spec.head_dim != 96) continue;
    const Diagnosis diagnosis = diagnose_one(*variant);
    EXPECT_TRUE(diagnosis.healthy()) << to_text(diagnosis, false);
  }
}

TEST(Diagnose, SaysWhereAndWhatNext) {
  const Diagnosis diagnosis = diagnose_one(kernel_with(broken::Break::lost_rows));
  EXPECT_EQ(diagnosis.sentence(),
            "Some rows of each query tile are lost: rows 25-31 of every 32 (block_q) are zero.");
  const std::string text = to_text(diagnosis, false);
  expect_contains(text, "First bad element: batch 0, head 0, row 25, column 0: got 0, wanted 1\n");
  expect_contains(text, "\n     24 0000000");
  expect_contains(text, "\n     22 .......");
  expect_contains(text,
                  "  flashcore-bench --check-only --depth deep --variants "
                  "'lost_rows/fp16_d64_q32_kv32_w4_s3' --device cpu "
                  "--problem batch=1,heads_q=2,");
  expect_contains(text, "  passed           repeats ");
  expect_contains(text, "  some_rows        query_rows ");
}

TEST(Diagnose, JsonHoldsEvidenceAndMap) {
  const Json json = to_json(diagnose_one(kernel_with(broken::Break::swapped_quadrants)));
  EXPECT_FALSE(json["healthy"]);
  EXPECT_EQ(json["faults"][0]["fault"], "pv_layout");
  EXPECT_EQ(json["faults"][0]["shown_by"], "probabilities");
  for (const Json& finding : json["findings"]) {
    if (finding["probe"] == "rows_independent") {
      expect_contains(finding["detail"].get<std::string>(), "a change of Q's row 16 changes O's rows 24");
    }
    if (finding["probe"] != "probabilities") continue;
    EXPECT_EQ(finding["map"]["pattern"], "the upper right and lower left 8 x 8 of every 16 x 16 are wrong");
    EXPECT_EQ(finding["map"]["cells"].size(), 32u);
    EXPECT_EQ(finding["first_bad"]["key"], 8);
  }
}

TEST(Diagnose, HtmlStandsAlone) {
  Diagnosis diagnosis = diagnose_one(kernel_with(broken::Break::lost_rows));
  diagnosis.device = "a <b> & \"c\"";
  const std::string html = to_html(diagnosis);
  expect_contains(html, "a &lt;b&gt; &amp; &quot;c&quot;");
  expect_contains(html, "<svg ");
  expect_contains(html, "rows 25-31 of every 32 (block_q) are zero");
  EXPECT_EQ(html.find("http"), std::string::npos);
}

TEST(Diagnose, ReadsTheFactorOfAWrongScale) {
  expect_contains(diagnose_one(kernel_with(broken::Break::wrong_scale)).sentence(),
                  "P is the softmax of 0.125 times the scores");
}

TEST(Diagnose, NamesTheTensorThatALaunchChanges) {
  const auto detail = [](broken::Break which) {
    const Diagnosis diagnosis = diagnose_one(kernel_with(which));
    // Inputs are put back after each launch: all other probes see a right kernel, or one that spoils its own blocks.
    EXPECT_EQ(diagnosis.suspected.size(), 1u) << to_text(diagnosis, false);
    return diagnosis.lead().detail;
  };
  EXPECT_EQ(detail(broken::Break::scales_q_in_place),
            "seq_q 100, seq_kv 150: a launch leaves other values in Q");
  EXPECT_EQ(detail(broken::Break::spoils_v), "seq_q 100, seq_kv 150: a launch leaves other values in V");
}

TEST(Diagnose, PutsChangedInputsBack) {
  const Diagnosis diagnosis = diagnose_one(kernel_with(broken::Break::scales_q_in_place));
  for (const Finding& finding : diagnosis.findings) {
    EXPECT_EQ(finding.failed(), finding.probe == Probe::inputs_kept)
        << to_string(finding.probe) << finding.detail;
  }
}

TEST(Diagnose, SaysWhereALogSumExpIsWrong) {
  EXPECT_EQ(
      diagnose_one(kernel_with(broken::Break::lse_skips_decode)).sentence(),
      "O is right, and the log-sum-exp is wrong: query_tail: seq_q 1, seq_kv 32: the log-sum-exp of batch "
      "0, head 0, row 0 is not written, wanted 3.4657.");
  EXPECT_EQ(diagnose_one(kernel_with(broken::Break::lse_offset)).sentence(),
            "The log-sum-exp is off by a constant, and O is right: it is the right one plus -0.69315 in "
            "every row.");
}

// A sum that is wrong shows in the log-sum-exp alone where V = 0 or V = 1 hides it in O.
TEST(Diagnose, AFaultOfOIsNotOneOfTheLogSumExp) {
  for (const SuspectedFault& suspect : diagnose_one(kernel_with(broken::Break::sum_not_rescaled)).suspected) {
    EXPECT_NE(suspect.fault, Fault::log_sum_exp);
  }
}

TEST(Diagnose, AFailedLaunchIsAVerdict) {
  const Variant honest = kernel_with(broken::Break::none);
  const Diagnosis diagnosis =
      diagnose_one(testing::with_launch(honest, [](const AttentionArgs&, void*) { return EIO; }));
  EXPECT_EQ(diagnosis.suspected.front().fault, Fault::crash);
  EXPECT_EQ(diagnosis.findings.size(), 1u);
  expect_contains(diagnosis.sentence(), "The kernel fails: honest/fp16_d64_q32_kv32_w4_s3 failed");
  EXPECT_THROW(diagnose_one(testing::with_launch(honest, [](const AttentionArgs&, void*) { return ENOMEM; })),
               OutOfMemoryError);
}

TEST(Diagnose, NotesKeepTheirValuesBetweenProcesses) {
  LaunchNotes notes;
  notes.inputs_changed = {"K has changed", problem_of(kernel_with(broken::Break::none))};
  const JsonDocument document(json_text(to_json(notes)), "notes");
  const LaunchNotes back = launch_notes_from_json(JsonReader(document));
  EXPECT_EQ(back.inputs_changed->detail, "K has changed");
  EXPECT_EQ(back.inputs_changed->problem, notes.inputs_changed->problem);
  EXPECT_FALSE(back.workspace_overrun || back.lse_wrong);
}

TEST(Diagnose, SkipsWhatTheVariantCannotRun) {
  const Variant honest = kernel_with(broken::Break::none);
  CompiledKernel kernel = testing::described_like(honest);
  kernel.launch = [](const AttentionArgs& args, void* stream) {
    return kernel_with(broken::Break::none).launch(args, stream);
  };
  kernel.unsupported = [](const AttentionArgs& args, const DeviceLimits&) {
    return args.softcap > 0 ? "has no soft cap" : nullptr;
  };
  const Diagnosis diagnosis = diagnose_one(testing::variant_of(kernel));
  EXPECT_TRUE(diagnosis.healthy());
  const auto softcap = std::ranges::find(diagnosis.findings, Probe::softcap, &Finding::probe);
  EXPECT_EQ(softcap->symptom, Symptom::skipped);
  EXPECT_EQ(softcap->detail, "has no soft cap");
  kernel.unsupported = [](const AttentionArgs&, const DeviceLimits&) { return "never"; };
  EXPECT_THROW(diagnose_one(testing::variant_of(kernel)), UsageError);
}

// Its time limit is twenty times that of a call: another child would take as long again.
TEST(ChildDiagnosis, AChildThatHangsOutsideOfACallIsTheLast) {
  constexpr const char* kScript = R"(read line; id=${line##*\"id\":\"}; id=${id%%\"*}
    printf '{"load":true,"id":"%s"}\n' "$id"; read line; exec sleep 60)";
  const DiagnosisChild child{.arguments = {"sh", "-c", kScript}, .timeout_s = 0.02, .program = "/bin/sh"};
  const Variant variant = testing::fake_variant("hangs");
  const Diagnosis diagnosis = receive_diagnosis(child, variant, Problem{.scale = 0.125}, [](Probe) {});
  ASSERT_EQ(diagnosis.findings.size(), all_probes().size());
  EXPECT_EQ(diagnosis.findings.front().symptom, Symptom::crashed);
  EXPECT_NE(diagnosis.findings.front().detail.find("did not return within 0.4 s"), std::string::npos)
      << diagnosis.findings.front().detail;
  for (const Finding& finding : std::span(diagnosis.findings).subspan(1)) {
    EXPECT_EQ(finding.symptom, Symptom::skipped);
    EXPECT_EQ(finding.detail, "not asked: the kernel has failed in 1 process");
  }
}

}  // namespace
}  // namespace flashcore
