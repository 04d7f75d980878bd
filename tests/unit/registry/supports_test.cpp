#include "registry/supports.hpp"

#include <gtest/gtest.h>

#include "variant/compiled_kernel.hpp"

namespace flashcore {
namespace {

struct KnowsChunks {
  static constexpr std::string_view kProblemFields[] = {"mask", "chunk"};
};
struct KnowsNoField {};

TEST(Supports, AFamilyRefusesFieldsThatItDoesNotName) {
  const Problem plain{.seq_q = 8, .seq_kv = 8, .scale = 1};
  Problem chunks = plain;
  chunks.mask = MaskKind::chunk;
  chunks.chunk = 4;
  Variant variant{.family = "f", .spec = {.dtype = plain.dtype, .head_dim = 64}, .backend = Backend::cpu};
  const Target cpu;

  variant.problem_fields = problem_fields_of<KnowsNoField>();
  EXPECT_EQ(unsupported_reason(variant, plain, cpu), "");
  EXPECT_EQ(unsupported_reason(variant, chunks, cpu), "the family does not support mask = chunk");
  variant.problem_fields = problem_fields_of<KnowsChunks>();
  EXPECT_EQ(unsupported_reason(variant, chunks, cpu), "");
  chunks.kv_dtype = Dtype::e4m3;
  EXPECT_EQ(unsupported_reason(variant, chunks, cpu), "the family does not support kv_dtype = e4m3");
}

}  // namespace
}  // namespace flashcore
