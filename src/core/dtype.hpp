// Element types of Q, K, V and O.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace flashcore {

enum class Dtype : int { fp16, bf16 };

inline constexpr Dtype kAllDtypes[] = {Dtype::fp16, Dtype::bf16};

constexpr std::string_view to_string(Dtype dtype) { return dtype == Dtype::fp16 ? "fp16" : "bf16"; }

constexpr std::size_t size_bytes(Dtype) { return 2; }

constexpr std::optional<Dtype> parse_dtype(std::string_view text) {
  for (Dtype dtype : kAllDtypes) {
    if (to_string(dtype) == text) return dtype;
  }
  return std::nullopt;
}

}  // namespace flashcore
