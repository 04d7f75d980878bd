// Choices for "auto" that this thread has made, so that asking again takes less than a launch: a serving engine asks for
// the same sizes once per layer.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "capi/flashcore.h"

namespace flashcore {

// Changes when a table or a plug-in is loaded: earlier choices then hold no more.
inline std::atomic<std::uint64_t>& choice_generation() {
  static std::atomic<std::uint64_t> generation = 1;
  return generation;
}

// What a choice depends on of a pointer: whether it is null, and its alignment up to 256 bytes. Choices read no memory.
template <class T>
void keep_alignment_only(T*& pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  const std::uintptr_t mark = address == 0 ? 0 : std::min<std::uintptr_t>(address & (~address + 1), 256);
  pointer = reinterpret_cast<T*>(mark);  // NOLINT(performance-no-int-to-ptr): it is compared and not followed
}

// The arguments with all that a choice does not depend on left out.
inline std::optional<flashcore_attention> choice_key(const flashcore_attention& args) {
  flashcore_attention key;
  std::memcpy(&key, &args, sizeof(key));  // with its padding
  const auto keep = [](auto&... pointers) { (keep_alignment_only(pointers), ...); };
  keep(key.q, key.k, key.v, key.out, key.lse, key.q_descale, key.k_descale, key.v_descale);
  key.workspace = nullptr;
  return key;
}

// Nothing for a struct of another size, whose members are to be checked.
inline std::optional<flashcore_attention_v2> choice_key(const flashcore_attention_v2& args) {
  if (args.struct_size != sizeof(args)) return std::nullopt;
  flashcore_attention_v2 key;
  std::memcpy(&key, &args, sizeof(key));
  const auto keep = [](auto&... pointers) { (keep_alignment_only(pointers), ...); };
  keep(key.q, key.k, key.v, key.out, key.lse, key.cu_seqlens_q, key.cu_seqlens_k, key.seqused_q,
       key.seqused_k);
  keep(key.page_table, key.mask_bits, key.sinks, key.q_descale, key.k_descale, key.v_descale);
  key.workspace = key.plan = nullptr;
  return key;
}

template <class Args>
class ChoiceMemo {
 public:
  struct Known {
    const char* id = nullptr;  // null: nothing is known
    std::string reason;
  };

  static ChoiceMemo& of_this_thread() {
    thread_local ChoiceMemo memo;
    return memo;
  }

  const Known* find(const Args& key, std::int32_t device) const {
    const Slot& slot = (*slots_)[place_of(key, device)];
    const bool same = slot.known.id != nullptr && slot.device == device && slot.generation == now() &&
                      std::memcmp(&slot.key, &key, sizeof(key)) == 0;
    return same ? &slot.known : nullptr;
  }

  // `generation` is that of before the choice was made.
  void keep(const Args& key, std::int32_t device, std::uint64_t generation, Known known) {
    Slot& slot = (*slots_)[place_of(key, device)];
    std::memcpy(&slot.key, &key, sizeof(key));
    slot.device = device;
    slot.generation = generation;
    slot.known = std::move(known);
  }

  static std::uint64_t now() { return choice_generation().load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kSlots = 512;
  static_assert(std::is_trivially_copyable_v<Args> && sizeof(Args) % sizeof(std::uint64_t) == 0);

  struct Slot {
    Args key = {};
    std::int32_t device = 0;
    std::uint64_t generation = 0;
    Known known;
  };

  // Two lanes, so that the multiplications of one overlap those of the other.
  static std::size_t place_of(const Args& key, std::int32_t device) {
    constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
    std::array<std::uint64_t, sizeof(Args) / sizeof(std::uint64_t)> words;
    std::memcpy(words.data(), &key, sizeof(key));
    std::uint64_t a = static_cast<std::uint32_t>(device);
    std::uint64_t b = kFactor;
    std::size_t i = 0;
    for (; i + 1 < words.size(); i += 2) {
      a = (a ^ words[i]) * kFactor;
      b = (b ^ words[i + 1]) * kFactor;
      a ^= a >> 32;
      b ^= b >> 29;
    }
    if (i < words.size()) a = (a ^ words[i]) * kFactor;
    const std::uint64_t mixed = (a ^ (b * kFactor)) * kFactor;
    return static_cast<std::size_t>(mixed >> 32) % kSlots;
  }

  std::unique_ptr<std::array<Slot, kSlots>> slots_ = std::make_unique<std::array<Slot, kSlots>>();
};

}  // namespace flashcore
