// How a variant fared on a problem.
#pragma once

#include <string_view>

#include "base/words.hpp"

namespace flashcore {

enum class Status : int { ok, incorrect, unsupported, crashed, timeout, out_of_memory, error };
inline constexpr std::string_view kStatusWords[] = {"ok",      "incorrect",     "unsupported", "crashed",
                                                    "timeout", "out_of_memory", "error"};
constexpr Words words(Status) { return kStatusWords; }

}  // namespace flashcore
