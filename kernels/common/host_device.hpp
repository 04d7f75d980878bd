// FLASHCORE_HOST_DEVICE marks functions for both sides where nvcc compiles them, FLASHCORE_DEVICE functions that nvcc
// compiles for the device and other compilers for the host.
#pragma once

#ifdef __CUDACC__
#define FLASHCORE_HOST_DEVICE __host__ __device__
#define FLASHCORE_DEVICE __device__
#else
#define FLASHCORE_HOST_DEVICE
#define FLASHCORE_DEVICE
#endif
