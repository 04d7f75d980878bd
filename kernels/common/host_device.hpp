// FLASHCORE_HOST_DEVICE: a function for both sides, where nvcc compiles it.
#pragma once

#ifdef __CUDACC__
#define FLASHCORE_HOST_DEVICE __host__ __device__
#else
#define FLASHCORE_HOST_DEVICE
#endif
