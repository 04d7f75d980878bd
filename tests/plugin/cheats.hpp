// The cheats of cheat_plugin.cpp and cheat_cuda_plugin.cu: kernels that are right where a check expects it, and do not do
// the work that is timed. fp16, head_dim 64, tensors without gaps, no mask. block_kv of a variant is its cheat.
#pragma once

#include <flashcore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <iterator>

namespace cheats {

// scripts/proof/cheats.py reads the names.
enum Cheat : std::int32_t {
  kHonest = 1,
  kReplaysByPointer,      // copies the output that it kept for these addresses
  kReplaysByFingerprint,  // the same for the first elements of Q, K and V
  kReplaysByContents,     // the same for a hash of all of Q, K and V
  kReplaysPlusMinusV,     // the same without signs of V; the kept output gets the sign of V's first element
  kSkipsWhenWritten,      // does nothing when the output is not poison
  kHalvesWhenWritten,     // then does half of the rows
  kWritesOnlyPoison,      // writes elements that are poison
  kDefersToNextLaunch,    // a launch does the work of the launch before
  kWorksBeside,           // on a thread or stream of its own
  kLaunchesNothingCaptured,  // CUDA
  kCopiesReference,          // CPU: finds the expected output in the memory of this process
  kWrongLater,               // from the 13th launch on
  kPatchesClock,             // x86-64: times appear ten times shorter
  kPersistsL2,               // CUDA: keeps K and V in the L2 cache from launch to launch
  kEnd
};

constexpr int kHeadDim = 64;
constexpr int kRightLaunches = 12;
constexpr double kClockFactor = 0.1;
constexpr std::uint16_t kPoison = 0x7FAB;  // of outputs that are checked

inline std::size_t rows(const flashcore_attention& args) {
  return static_cast<std::size_t>(args.batch) * args.heads_q * args.seq_q;
}

// Makes `function` jump to `other`. False where that cannot be done.
inline bool redirect(void* function, void* other) {
#ifdef __x86_64__
  unsigned char jump[12] = {0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0};  // movabs rax, other; jmp rax
  std::memcpy(jump + 2, &other, sizeof(other));
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(function) & ~(page - 1);
  if (mprotect(reinterpret_cast<void*>(begin), 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
    return false;
  std::memcpy(function, jump, sizeof(jump));
  return true;
#else
  (void)function, (void)other;
  return false;
#endif
}

inline const char* why_not(const flashcore_attention& args) {
  if (args.window_left >= 0 || args.window_right >= 0) return "takes no mask";
  if (args.softcap > 0) return "takes no softcap";
  if (args.lse != nullptr) return "writes no log-sum-exp";
  if (args.out_stride.row != kHeadDim) return "takes tensors without gaps";
  return nullptr;
}

// The table of a plug-in that has these cheats.
template <std::size_t kCount>
const flashcore_plugin* make_plugin(const Cheat (&cheats)[kCount], std::int32_t backend,
                                    int (*launch)(std::size_t, const flashcore_attention*, void*)) {
  static flashcore_plugin_variant variants[kCount];
  static flashcore_plugin plugin;
  for (std::size_t i = 0; i < kCount; ++i) {
    variants[i].dtype = FLASHCORE_FP16;
    variants[i].head_dim = kHeadDim;
    variants[i].block_kv = cheats[i];
  }
  plugin.abi_version = FLASHCORE_PLUGIN_ABI_VERSION;
  plugin.backend = backend;
  plugin.family = "cheat";
  plugin.summary = "does not do the work that is timed";
  plugin.variants = variants;
  plugin.num_variants = kCount;
  plugin.unsupported = [](std::size_t, const flashcore_attention* args, const flashcore_device_limits*) {
    return why_not(*args);
  };
  plugin.launch = launch;
  return &plugin;
}

}  // namespace cheats
