// For kernels whose shared arrays have a fixed size: one array for all blocks, of which one runs at a time.
// It is not poisoned. Comes before what it stands in for.
#pragma once

#include <cuda_runtime.h>

#undef __shared__
#define __shared__ static
