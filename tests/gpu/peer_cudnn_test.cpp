// The cuDNN peer where cuDNN is missing: its variants are there and say why they cannot run. Needs no device.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "attention/problem.hpp"
#include "registry/registry.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

constexpr DeviceLimits kHopper = {
    .compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024, .num_sms = 132};

// Why the fp16 head_dim 64 variant cannot run a problem of seq_q × seq_kv, or "".
std::string why_not(std::int64_t seq_q, std::int64_t seq_kv, bool causal) {
  Problem problem;
  problem.seq_q = seq_q;
  problem.seq_kv = seq_kv;
  problem.causal = causal;
  problem.scale = default_scale(problem.head_dim);
  return unsupported_reason(*find_variant("peer_cudnn/fp16_d64"), problem,
                            {.backend = Backend::cuda, .limits = kHopper});
}

TEST(PeerCudnn, HasAVariantForEachDtypeAndHeadDim) {
  for (const char* dtype : {"fp16", "bf16"}) {
    for (int head_dim : {32, 64, 96, 128, 256}) {
      const std::string id = std::string("peer_cudnn/") + dtype + "_d" + std::to_string(head_dim);
      EXPECT_NE(find_variant(id), nullptr) << id;
    }
  }
}

TEST(PeerCudnn, MissingLibraryIsAReasonThatNamesTheVariable) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // the library is looked for once a process
  EXPECT_EXIT(
      {
        setenv("FLASHCORE_CUDNN", "/nowhere/libcudnn.so.9", 1);
        const std::string reason = why_not(64, 64, false);
        const bool told = reason.find("FLASHCORE_CUDNN") != std::string::npos &&
                          reason.find("/nowhere/libcudnn.so.9") != std::string::npos;
        std::exit(told || reason.find("headers") != std::string::npos ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(PeerCudnn, MasksThatCudnnLacksAreRefusedBeforeItIsAsked) {
  EXPECT_NE(why_not(128, 64, true).find("seq_q > seq_kv"), std::string::npos);
}

}  // namespace
}  // namespace flashcore
