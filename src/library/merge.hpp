// flashcore_merge() on the CPU.
#pragma once

#include "capi/flashcore.h"

namespace flashcore {

// Checks the arguments and computes. Throws ApiError that names the field.
void merge_on_cpu(const flashcore_merge_args* args);

}  // namespace flashcore
