// How a variant fared on a problem.
#pragma once

#include <string_view>

#include "base/words.hpp"

namespace flashcore {

// suspect: right as far as can be seen, but its times are not to be trusted; neither ranked nor tuned.
enum class Status : int { ok, incorrect, suspect, unsupported, crashed, timeout, out_of_memory, error };
inline constexpr std::string_view kStatusWords[] = {"ok",      "incorrect", "suspect",       "unsupported",
                                                    "crashed", "timeout",   "out_of_memory", "error"};
constexpr Words words(Status) { return kStatusWords; }

}  // namespace flashcore
