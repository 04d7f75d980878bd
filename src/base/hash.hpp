// The hash in result files: 64-bit FNV-1a as 16 hexadecimal digits. It detects changes; it is not
// cryptographic.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace flashcore {

inline std::string hash_hex(std::string_view bytes) {
  constexpr std::uint64_t kOffsetBasis = 0xcbf29ce484222325;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = kOffsetBasis;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
  return fmt::format("{:016x}", hash);
}

}  // namespace flashcore
