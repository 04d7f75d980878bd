// Diagnosis on a GPU: the broken kernels get their verdicts, the shipped ones get none.
#include <iostream>

#include "broken/kernels.hpp"
#include "broken/matrix.hpp"
#include "gpu/gpu_test.hpp"
#include "registry/registry.hpp"
#include "render/diagnosis_output.hpp"

namespace flashcore {
namespace {

class DiagnoseTest : public GpuTest {
 protected:
  static const Launcher& launcher() {
    static const auto kInstance = open_launcher({.kind = DeviceRequest::Kind::cuda});
    return kInstance;
  }
};

TEST_F(DiagnoseTest, EachBrokenKernelGetsItsVerdictFirst) {
  std::vector<broken::MatrixRow> rows;
  for (int i = 0; i < broken::kBreakCount; ++i) {
    const Variant& kernel = broken::cuda_kernels()[static_cast<std::size_t>(i)];
    rows.push_back(broken::examine(launcher(), executor(), kernel, static_cast<broken::Break>(i)));
    EXPECT_TRUE(rows.back().as_expected()) << to_text(rows.back().diagnosis, false);
  }
  std::cout << broken::to_table(rows);
}

// wgmma_fp8 has a limit that diagnosis tells: its head says which.
bool has_known_limit(const Variant& variant, const Diagnosis& diagnosis) {
  return variant.family == "wgmma_fp8" && diagnosis.suspected.size() == 1 &&
         diagnosis.suspected.front().fault == Fault::output_precision;
}

// One tile of each family at each dtype and head_dim.
TEST_F(DiagnoseTest, RightVariantsGetNoVerdict) {
  const Variant* last = nullptr;
  for (const Variant* variant : all_variants()) {
    const bool same_kind = last != nullptr && last->family == variant->family &&
                           last->spec.dtype == variant->spec.dtype &&
                           last->spec.head_dim == variant->spec.head_dim;
    last = variant;
    const Problem problem{.heads_q = 2,
                          .heads_kv = 2,
                          .seq_q = 256,
                          .seq_kv = 256,
                          .head_dim = variant->spec.head_dim,
                          .dtype = variant->spec.dtype,
                          .scale = default_scale(variant->spec.head_dim)};
    if (same_kind || !launcher().unsupported(*variant, problem).empty()) continue;
    const Diagnosis diagnosis = diagnose(launcher(), *variant, problem, 1);
    EXPECT_TRUE(diagnosis.healthy() || has_known_limit(*variant, diagnosis)) << to_text(diagnosis, false);
  }
}

}  // namespace
}  // namespace flashcore
