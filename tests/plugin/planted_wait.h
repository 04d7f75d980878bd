/* The part of the planted plug-in that its backend decides. */
#ifndef PLANTED_WAIT_H
#define PLANTED_WAIT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const int32_t kPlantedBackend; /* FLASHCORE_CPU or FLASHCORE_CUDA */

/* What flashcore_launch() takes for the calling thread's current device. */
int32_t planted_device(void);

/* Keeps the device, or the stream, busy for so long. Returns as a plug-in's launch() does. */
int planted_wait(double microseconds, void* stream);

#ifdef __cplusplus
}
#endif

#endif
