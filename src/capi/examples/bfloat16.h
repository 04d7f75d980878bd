/* bf16 is the upper half of an IEEE float. */
#ifndef FLASHCORE_EXAMPLES_BFLOAT16_H
#define FLASHCORE_EXAMPLES_BFLOAT16_H

#include <stdint.h>
#include <string.h>

static inline float float_from_bfloat16(uint16_t value) {
  const uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

/* Rounds to nearest, ties to even; NaN is not handled. */
static inline uint16_t bfloat16_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
