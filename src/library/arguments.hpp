// The arguments of the C interface, checked.
#pragma once

#include <string>
#include <string_view>

#include "attention/problem.hpp"
#include "capi/flashcore.h"

namespace flashcore {

// A failure with the status that the caller gets.
struct ApiError {
  flashcore_status status;
  std::string message;
};

// Throws ApiError with FLASHCORE_INVALID_ARGUMENT unless the condition holds.
void require(bool condition, std::string_view message);

// Checks sizes, mask and strides; not the pointers, which queries may leave null. Throws ApiError or
// UsageError that names the field.
Problem checked_problem(const flashcore_attention* args);

// The tensors of a launch. Throws ApiError naming one that is null.
void check_pointers(const flashcore_attention& args);

}  // namespace flashcore
