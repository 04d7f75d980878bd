#define _POSIX_C_SOURCE 200809L
#include "planted_wait.h"

#include <flashcore.h>
#include <time.h>

const int32_t kPlantedBackend = FLASHCORE_CPU;

int32_t planted_device(void) { return FLASHCORE_HOST; }

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

int planted_wait(double microseconds, void* stream) {
  const double begin = now_us();
  (void)stream;
  while (now_us() - begin < microseconds) continue;
  return 0;
}
