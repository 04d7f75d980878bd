// The choice without a tuned table.
#include "registry/default_variant.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flashcore {
namespace {

Variant variant_with(int block_q, int pack_gqa) {
  return {.family = "made_up", .spec = {.tile = {.block_q = block_q, .pack_gqa = pack_gqa}}};
}

TEST(FirstForDecoding, PacksHeadsIntoTheFewestRows) {
  const Variant plain = variant_with(16, 0);
  const Variant wide = variant_with(128, 1);
  const Variant narrow = variant_with(64, 1);
  const Variant narrow_too = variant_with(64, 1);
  const std::vector<const Variant*> all = {&plain, &wide, &narrow, &narrow_too};
  EXPECT_EQ(first_for_decoding(all), &narrow);
  EXPECT_EQ(first_for_decoding(std::span(all).first(2)), &wide);
  EXPECT_EQ(first_for_decoding(std::span(all).first(1)), &plain);
  EXPECT_EQ(first_for_decoding({}), nullptr);
}

}  // namespace
}  // namespace flashcore
