// FLASHCORE_HOST_DEVICE marks functions for both sides where nvcc compiles them.
#pragma once

#ifdef __CUDACC__
#define FLASHCORE_HOST_DEVICE __host__ __device__
#else
#define FLASHCORE_HOST_DEVICE
#endif
