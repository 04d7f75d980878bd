#include <cuda_runtime.h>
#include <flashcore.h>

#include "planted_wait.h"

const int32_t kPlantedBackend = FLASHCORE_CUDA;

int32_t planted_device(void) {
  int device = 0;
  return cudaGetDevice(&device) == cudaSuccess ? device : 0;
}

// Waits for a number of clock cycles, like real work, whose time also depends on the clock.
__global__ void wait_kernel(long long cycles) {
  const long long begin = clock64();
  while (clock64() - begin < cycles) continue;
}

int planted_wait(double microseconds, void* stream) {
  static int kilohertz = 0;  // read once, because the query takes hundreds of microseconds
  if (kilohertz == 0) {
    const cudaError_t error = cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, planted_device());
    if (error != cudaSuccess) return error;
  }
  wait_kernel<<<1, 1, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<long long>(microseconds * kilohertz * 1e-3));
  return cudaGetLastError();
}
