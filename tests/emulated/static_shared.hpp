// For kernels whose shared arrays have a fixed size: one array serves all blocks, which run one after the
// other. It is not poisoned. Included before <cuda_runtime.h> of the kernels, whose __shared__ it replaces.
#pragma once

#include <cuda_runtime.h>

#undef __shared__
#define __shared__ static
