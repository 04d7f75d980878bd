// The cheats of cheats.hpp on the CPU. The honest work is the attention that libflashcore chooses.
#include <sys/syscall.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <thread>
#include <vector>

#include "plugin/cheats.hpp"

namespace cheats {
namespace {

constexpr Cheat kCheats[] = {
    kHonest,           kReplaysByPointer,  kReplaysByFingerprint, kReplaysByContents,  kReplaysPlusMinusV,
    kSkipsWhenWritten, kHalvesWhenWritten, kWritesOnlyPoison,     kDefersToNextLaunch, kWorksBeside,
    kCopiesReference,  kWrongLater,        kPatchesClock};
constexpr std::uint16_t kSignBit = 0x8000;

using Elements = std::vector<std::uint16_t>;

int attend(const flashcore_attention& args) {
  return flashcore_launch(nullptr, &args, FLASHCORE_HOST, nullptr) == FLASHCORE_OK ? 0 : EINVAL;
}

std::uint16_t* output(const flashcore_attention& args) { return static_cast<std::uint16_t*>(args.out); }
std::size_t output_elements(const flashcore_attention& args) { return rows(args) * kHeadDim; }

void mix(std::uint64_t& key, std::uint64_t word) { key = (key ^ word) * 1099511628211u; }

void mix_elements(std::uint64_t& key, const void* tensor, std::size_t count, std::uint16_t mask) {
  const auto* elements = static_cast<const std::uint16_t*>(tensor);
  for (std::size_t i = 0; i < count; ++i) mix(key, elements[i] & mask);
}

std::uint64_t key_of(Cheat cheat, const flashcore_attention& args) {
  std::uint64_t key = static_cast<std::uint64_t>(cheat);
  for (const std::int32_t size : {args.batch, args.heads_q, args.heads_kv, args.seq_q, args.seq_kv})
    mix(key, static_cast<std::uint64_t>(size));
  if (cheat == kReplaysByPointer) {
    for (const void* tensor : {args.q, args.k, args.v}) mix(key, reinterpret_cast<std::uintptr_t>(tensor));
    return key;
  }
  constexpr std::size_t kFew = 4;
  const bool whole = cheat == kReplaysByContents;
  const std::size_t q = whole ? output_elements(args) : kFew;
  const std::size_t kv =
      whole ? static_cast<std::size_t>(args.batch) * args.heads_kv * args.seq_kv * kHeadDim : kFew;
  mix_elements(key, args.q, q, 0xFFFF);
  mix_elements(key, args.k, kv, 0xFFFF);
  mix_elements(key, args.v, kv, cheat == kReplaysPlusMinusV ? 0x7FFF : 0xFFFF);
  return key;
}

int replay(Cheat cheat, const flashcore_attention& args) {
  struct Kept {
    Elements out;
    std::uint16_t sign;
  };
  static std::map<std::uint64_t, Kept> all;
  const std::uint16_t sign = *static_cast<const std::uint16_t*>(args.v) & kSignBit;
  const auto [kept, is_new] = all.try_emplace(key_of(cheat, args));
  std::uint16_t* out = output(args);
  const std::size_t count = output_elements(args);
  if (is_new) {
    const int code = attend(args);
    kept->second = {Elements(out, out + count), sign};
    return code;
  }
  const std::uint16_t flip = cheat == kReplaysPlusMinusV ? kept->second.sign ^ sign : 0;
  for (std::size_t i = 0; i < count; ++i) out[i] = kept->second.out[i] ^ flip;
  return 0;
}

int attend_half(flashcore_attention args) {
  if (args.seq_q > 1) args.seq_q /= 2;
  return attend(args);
}

int write_only_poison(flashcore_attention args) {
  std::uint16_t* out = output(args);
  Elements mine(output_elements(args));
  bool any = false;
  for (std::size_t i = 0; i < mine.size() && !any; ++i) any = out[i] == kPoison;
  if (!any) return 0;
  args.out = mine.data();
  const int code = attend(args);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (out[i] == kPoison) out[i] = mine[i];
  }
  return code;
}

int defer(const flashcore_attention& args) {
  static flashcore_attention before = args;
  const flashcore_attention now = before;
  before = args;
  return attend(now);
}

int work_beside(const flashcore_attention& args) {
  static std::thread worker;
  if (worker.joinable()) worker.join();
  worker = std::thread([args] { attend(args); });
  return 0;
}

float to_float(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const float fraction = static_cast<float>(half & 1023);
  const float size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return half & kSignBit ? -size : size;
}

// The FP32 values whose beginning is near these values, in any memory that this process may write.
const float* find_in_memory(const Elements& first, std::size_t count) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  if (maps == nullptr) return nullptr;
  const float* found = nullptr;
  unsigned long begin = 0, end = 0;
  char access[5] = "";
  while (found == nullptr && std::fscanf(maps, "%lx-%lx %4s%*[^\n]", &begin, &end, access) == 3) {
    if (access[0] != 'r' || access[1] != 'w' || end - begin < count * sizeof(float)) continue;
    const auto* values = reinterpret_cast<const float*>(begin);
    const std::size_t places = (end - begin) / sizeof(float) - count + 1;
    for (std::size_t at = 0; at < places && found == nullptr; at += 4) {
      std::size_t i = 0;
      while (i < first.size() && std::fabs(values[at + i] - to_float(first[i])) < 2e-3f) ++i;
      if (i == first.size()) found = values + at;
    }
  }
  std::fclose(maps);
  return found;
}

// Does one row honestly, and takes all others from where they are expected.
int copy_reference(const flashcore_attention& args) {
  flashcore_attention one = args;
  Elements first(static_cast<std::size_t>(args.heads_q) * kHeadDim);
  one.seq_q = 1;
  one.batch = 1;
  one.out = first.data();
  one.out_stride.head = kHeadDim;
  if (const int code = attend(one); code != 0) return code;
  first.resize(kHeadDim);
  const std::size_t count = output_elements(args);
  const float* expected = find_in_memory(first, count);
  if (expected == nullptr) return attend(args);
  for (std::size_t i = 0; i < count; ++i) {
    const auto half = static_cast<_Float16>(expected[i]);
    std::memcpy(output(args) + i, &half, sizeof(half));
  }
  return 0;
}

int wrong_later(const flashcore_attention& args) {
  static int launches = 0;
  const int code = attend(args);
  if (++launches > kRightLaunches) output(args)[0] = 0x4400;  // 4
  return code;
}

int slow_clock_gettime(clockid_t clock, timespec* time) {
  const long code = syscall(SYS_clock_gettime, clock, time);
  if (code != 0) return static_cast<int>(code);
  const double shown =
      kClockFactor * (static_cast<double>(time->tv_sec) + 1e-9 * static_cast<double>(time->tv_nsec));
  time->tv_sec = static_cast<time_t>(shown);
  time->tv_nsec = static_cast<long>(1e9 * (shown - static_cast<double>(time->tv_sec)));
  return 0;
}

int patch_clock(const flashcore_attention& args) {
  static const bool patched =
      redirect(reinterpret_cast<void*>(&clock_gettime), reinterpret_cast<void*>(&slow_clock_gettime));
  return patched ? attend(args) : ENOTSUP;
}

int launch(std::size_t variant, const flashcore_attention* args, void*) {
  const Cheat cheat = kCheats[variant];
  const bool written = output(*args)[0] != kPoison;
  switch (cheat) {
    case kReplaysByPointer:
    case kReplaysByFingerprint:
    case kReplaysByContents:
    case kReplaysPlusMinusV:
      return replay(cheat, *args);
    case kSkipsWhenWritten:
      return written ? 0 : attend(*args);
    case kHalvesWhenWritten:
      return written ? attend_half(*args) : attend(*args);
    case kWritesOnlyPoison:
      return write_only_poison(*args);
    case kDefersToNextLaunch:
      return defer(*args);
    case kWorksBeside:
      return work_beside(*args);
    case kCopiesReference:
      return copy_reference(*args);
    case kWrongLater:
      return wrong_later(*args);
    case kPatchesClock:
      return patch_clock(*args);
    default:
      return attend(*args);
  }
}

}  // namespace
}  // namespace cheats

extern "C" FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  return cheats::make_plugin(cheats::kCheats, FLASHCORE_CPU, cheats::launch);
}
