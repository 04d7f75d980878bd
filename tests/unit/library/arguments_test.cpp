// The arguments of version 2 and those of kernels have the same members.
#include "library/arguments.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <iterator>

#include "capi/convert.hpp"

namespace flashcore {
namespace {

using C = flashcore_attention_v2;

constexpr std::int32_t C::*kNumbers[] = {&C::batch,       &C::heads_q,      &C::heads_kv,     &C::head_dim,
                                         &C::head_dim_v,  &C::max_seqlen_q, &C::max_seqlen_k, &C::page_size,
                                         &C::window_left, &C::window_right, &C::chunk};
constexpr std::int64_t C::*kLargeNumbers[] = {&C::total_q, &C::page_table_stride, &C::num_pages};
constexpr const std::int32_t* C::*kArrays[] = {&C::cu_seqlens_q, &C::cu_seqlens_k, &C::seqused_q,
                                               &C::seqused_k, &C::page_table};
constexpr const float* C::*kFactors[] = {&C::sinks, &C::q_descale, &C::k_descale, &C::v_descale};
constexpr flashcore_strides C::*kStrides[] = {&C::q_stride,   &C::k_stride,   &C::v_stride,
                                              &C::out_stride, &C::lse_stride, &C::mask_bits_stride};

// Every member has another value.
C sample() {
  static std::int32_t memory[64];
  C c = {.struct_size = sizeof(C), .dtype = FLASHCORE_FP16, .kv_dtype = FLASHCORE_E4M3};
  c.out_dtype = FLASHCORE_BF16;
  c.lse_base = FLASHCORE_LSE_BASE2;
  c.mask = FLASHCORE_MASK_CHUNK;
  c.scale = 0.5f;
  c.softcap = 0.25f;
  std::int32_t next = 3;
  for (const auto member : kNumbers) c.*member = next++;
  for (const auto member : kLargeNumbers) c.*member = next++;
  for (const auto member : kStrides) c.*member = {0, next + 1, next + 2}, next += 3;
  std::int32_t* place = memory;
  for (const auto member : kArrays) c.*member = place++;
  for (const auto member : kFactors) c.*member = reinterpret_cast<const float*>(place++);
  c.q = place++, c.k = place++, c.v = place++, c.out = place++, c.workspace = place++, c.plan = place++;
  c.lse = reinterpret_cast<float*>(place++);
  c.mask_bits = reinterpret_cast<std::uint32_t*>(place++);
  return c;
}

TEST(Arguments, EveryMemberOfVersion2IsOneOfKernels) {
  const C c = sample();
  const C back = to_c_v2(from_c(c), Dtype::fp16);
  for (const auto member : kNumbers) EXPECT_EQ(back.*member, c.*member);
  for (const auto member : kLargeNumbers) EXPECT_EQ(back.*member, c.*member);
  for (const auto member : kArrays) EXPECT_EQ(back.*member, c.*member);
  for (const auto member : kFactors) EXPECT_EQ(back.*member, c.*member);
  for (const auto member : kStrides) EXPECT_EQ(from_c(back.*member), from_c(c.*member));
  EXPECT_EQ(std::memcmp(&back, &c, offsetof(C, q)), 0);
  for (const auto member : {&C::q, &C::k, &C::v}) EXPECT_EQ(back.*member, c.*member);
  for (const auto member : {&C::out, &C::workspace, &C::plan}) EXPECT_EQ(back.*member, c.*member);
  EXPECT_EQ(back.lse, c.lse);
  EXPECT_EQ(back.mask_bits, c.mask_bits);
  EXPECT_EQ(back.lse_base, c.lse_base);
  EXPECT_EQ(back.mask, c.mask);
  EXPECT_EQ(back.scale, c.scale);
  EXPECT_EQ(back.softcap, c.softcap);
}

TEST(Arguments, PluginsGetNoDefaults) {
  C c = {.struct_size = sizeof(C), .dtype = FLASHCORE_E4M3, .kv_dtype = -1, .out_dtype = -1};
  c.batch = 2, c.heads_q = 4, c.heads_kv = 2, c.head_dim = 64, c.max_seqlen_q = 5, c.max_seqlen_k = 7;
  const C rectangle = to_c_v2(from_c(c), Dtype::e4m3);
  EXPECT_EQ(rectangle.kv_dtype, FLASHCORE_E4M3);
  EXPECT_EQ(rectangle.out_dtype, FLASHCORE_BF16);
  EXPECT_EQ(rectangle.head_dim_v, 64);
  EXPECT_EQ(from_c(rectangle.lse_stride), (Strides{20, 5, 1}));
  c.total_q = 9;
  c.q_stride = {123, 64, 256};
  const C ragged = to_c_v2(from_c(c), Dtype::e4m3);
  EXPECT_EQ(from_c(ragged.lse_stride), (Strides{0, 9, 1}));
  EXPECT_EQ(from_c(ragged.q_stride), (Strides{0, 64, 256}));
}

// The first release fixes these; members are added at the end.
TEST(Arguments, TheLayoutOfTheStructsDoesNotChange) {
  EXPECT_EQ(sizeof(flashcore_attention), 9 * 8 + 12 * 8 + 12 * 4);
  EXPECT_EQ(offsetof(C, lse_base), 16 + 7 * 8 + 15 * 8);
  EXPECT_EQ(offsetof(C, total_q), offsetof(C, lse_base) + 8 * 4);
  EXPECT_EQ(offsetof(C, page_size), offsetof(C, total_q) + 9 * 8);
  EXPECT_EQ(offsetof(C, v_descale), offsetof(C, page_size) + 8 * 4 + 8 + 3 * 8 + 3 * 8);
}

}  // namespace
}  // namespace flashcore
