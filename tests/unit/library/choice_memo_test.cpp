// A choice that was made before is found again, and only where it still holds.
#include "library/choice_memo.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "library/auto_variant.hpp"
#include "library/calls.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

template <class Args>
Args sized(std::int32_t batch, std::int32_t keys);

template <>
flashcore_attention sized(std::int32_t batch, std::int32_t keys) {
  flashcore_attention args = {};
  args.window_left = args.window_right = args.out_dtype = -1;
  args.batch = batch;
  args.heads_q = args.heads_kv = 2;
  args.seq_q = args.seq_kv = keys;
  args.head_dim = 64;
  args.scale = 0.125F;
  args.q_stride = args.k_stride = args.v_stride = args.out_stride = {2L * keys * 64, keys * 64L, 64};
  return args;
}

template <>
flashcore_attention_v2 sized(std::int32_t batch, std::int32_t keys) {
  flashcore_attention_v2 args = {};
  args.struct_size = sizeof(args);
  args.window_left = args.window_right = args.out_dtype = args.kv_dtype = -1;
  args.batch = batch;
  args.heads_q = args.heads_kv = 2;
  args.max_seqlen_q = args.max_seqlen_k = keys;
  args.head_dim = 64;
  args.scale = 0.125F;
  args.q_stride = args.k_stride = args.v_stride = args.out_stride = {2L * keys * 64, keys * 64L, 64};
  return args;
}

const char* choose(const flashcore_attention& args, const char** reason = nullptr) {
  return choice_text(&args, FLASHCORE_HOST, reason);
}
const char* choose(const flashcore_attention_v2& args, const char** reason = nullptr) {
  return choice_text(&args, FLASHCORE_HOST, reason);
}

template <class Args>
class ChoiceMemoTest : public ::testing::Test {
 protected:
  static bool is_known(const Args& args) {
    return ChoiceMemo<Args>::of_this_thread().find(*choice_key(args), FLASHCORE_HOST) != nullptr;
  }
};

using BothVersions = ::testing::Types<flashcore_attention, flashcore_attention_v2>;
TYPED_TEST_SUITE(ChoiceMemoTest, BothVersions);

TYPED_TEST(ChoiceMemoTest, FindsWhatWasChosenForTheSameArguments) {
  const auto args = sized<TypeParam>(3, 77);
  EXPECT_FALSE(this->is_known(args));
  const char* reason = nullptr;
  const std::string first = choose(args, &reason);
  const std::string why = reason;
  EXPECT_TRUE(this->is_known(args));
  EXPECT_EQ(choose(args, &reason), first);
  EXPECT_EQ(reason, why);
  EXPECT_FALSE(this->is_known(sized<TypeParam>(3, 78)));
  EXPECT_FALSE(this->is_known(sized<TypeParam>(4, 77)));
}

TYPED_TEST(ChoiceMemoTest, AddressesDoNotCountButAlignmentDoes) {
  alignas(512) static char memory[2048];
  auto args = sized<TypeParam>(2, 79);
  args.q = memory;
  choose(args);
  args.q = memory + 512;
  args.workspace = memory;
  EXPECT_TRUE(this->is_known(args));
  args.q = memory + 2;
  EXPECT_FALSE(this->is_known(args));
  args.q = nullptr;
  EXPECT_FALSE(this->is_known(args));
}

TYPED_TEST(ChoiceMemoTest, ATableEndsEarlierChoices) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "t.json") << R"({"schema_version":1,"tuned_table":[]})";
  const auto args = sized<TypeParam>(1, 81);
  choose(args);
  ASSERT_TRUE(this->is_known(args));
  load_tuned_table((folder / "t.json").string());
  EXPECT_FALSE(this->is_known(args));
}

TYPED_TEST(ChoiceMemoTest, ErrorsAreNotRemembered) {
  auto args = sized<TypeParam>(1, 83);
  args.head_dim = 0;
  EXPECT_EQ(choose(args), nullptr);
  EXPECT_FALSE(this->is_known(args));
  EXPECT_NE(thread_texts().error, "");
}

// Prints the time of a choice; asserts none.
TYPED_TEST(ChoiceMemoTest, PrintsTheTimeOfAChoice) {
  using Clock = std::chrono::steady_clock;
  const auto ns_per_call = [](int calls, auto call) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) call(i);
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / calls;
  };
  const auto same = sized<TypeParam>(1, 100);
  choose(same);
  const double known_ns = ns_per_call(100'000, [&](int) { choose(same); });
  const double new_ns = ns_per_call(300, [&](int i) { choose(sized<TypeParam>(5, 200 + i)); });
  std::printf("a choice that is known: %.0f ns; one that is new: %.0f ns\n", known_ns, new_ns);
}

}  // namespace
}  // namespace flashcore
