// Checks the arguments of the C interface.
#pragma once

#include <string>
#include <string_view>

#include "attention/problem.hpp"
#include "capi/flashcore.h"

namespace flashcore {

// An exception with the status for the caller.
struct ApiError {
  flashcore_status status;
  std::string message;
};

// Throws ApiError with FLASHCORE_INVALID_ARGUMENT unless the condition holds.
void require(bool condition, std::string_view message);

// Checks sizes, mask, strides and the alignment of pointers, which queries may leave null. Throws ApiError or
// UsageError with the name of the field.
Problem checked_problem(const flashcore_attention* args);

// Throws ApiError unless the pointer is a multiple of `bytes`.
inline constexpr std::size_t kWorkspaceAlignment = 256;
void check_alignment(const void* pointer, std::size_t bytes, std::string_view field);

// Throws ApiError if a tensor pointer is null. Launches need all of them.
void check_pointers(const flashcore_attention& args);

}  // namespace flashcore
