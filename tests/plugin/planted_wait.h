/* The backend-specific part of planted_plugin.c. */
#ifndef PLANTED_WAIT_H
#define PLANTED_WAIT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const int32_t kPlantedBackend; /* FLASHCORE_CPU or FLASHCORE_CUDA */

/* The `device` argument of flashcore_launch() for the calling thread's current device. */
int32_t planted_device(void);

/* Keeps the CPU or the stream busy for this time. Returns like a plug-in's launch(). */
int planted_wait(double microseconds, void* stream);

#ifdef __cplusplus
}
#endif

#endif
