// The outcome of a variant on a problem.
#pragma once

#include <string_view>

#include "base/words.hpp"

namespace flashcore {

// suspect: the output passed its check, but the times may be false. The record is neither ranked nor tuned.
enum class Status : int { ok, incorrect, suspect, unsupported, crashed, timeout, out_of_memory, error };
inline constexpr std::string_view kStatusWords[] = {"ok",      "incorrect", "suspect",       "unsupported",
                                                    "crashed", "timeout",   "out_of_memory", "error"};
constexpr Words words(Status) { return kStatusWords; }

}  // namespace flashcore
