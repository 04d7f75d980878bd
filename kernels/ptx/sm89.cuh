// PTX instructions that sm_89 and later have, one function per instruction: elements of one byte. Titles in
// quotes are sections of the PTX ISA manual.
#pragma once

#include <cstdint>

namespace flashcore::kernels::ptx {

// cvt.rn.satfinite.e4m3x2.f32 of two pairs, and mov.b32 to join them: four elements, the first in the lowest
// byte. It rounds to nearest, ties to even; values beyond ±448 become ±448, NaN stays NaN. Three instructions
// in one statement, because the compiler otherwise carries the halves through loops before it joins them.
// ("cvt", "mov")
__device__ __forceinline__ std::uint32_t pack_e4m3(float x0, float x1, float x2, float x3) {
  std::uint32_t elements;
  asm("{\n"
      ".reg .b16 low, high;\n"
      "cvt.rn.satfinite.e4m3x2.f32 low, %2, %1;\n"
      "cvt.rn.satfinite.e4m3x2.f32 high, %4, %3;\n"
      "mov.b32 %0, {low, high};\n"
      "}"
      : "=r"(elements)
      : "f"(x0), "f"(x1), "f"(x2), "f"(x3));
  return elements;
}

// cvt.rn.f16x2.e4m3x2 of both halves of a register: four elements, the first in the lowest byte, become two pairs of fp16.
// Exact; NaN stays NaN. ("cvt", "mov")
__device__ __forceinline__ void unpack_e4m3(std::uint32_t (&pairs)[2], std::uint32_t elements) {
  asm("{\n"
      ".reg .b16 low, high;\n"
      "mov.b32 {low, high}, %2;\n"
      "cvt.rn.f16x2.e4m3x2 %0, low;\n"
      "cvt.rn.f16x2.e4m3x2 %1, high;\n"
      "}"
      : "=r"(pairs[0]), "=r"(pairs[1])
      : "r"(elements));
}

// mma.m16n8k32: d += a · b with FP32 accumulators. Fragments have the bytes of mma.m16n8k16 with two-byte
// elements: a register holds four columns of a, or four rows of b. ("Matrix Fragments for mma.m16n8k32")
__device__ __forceinline__ void mma_m16n8k32_e4m3(float (&d)[4], const std::uint32_t (&a)[4],
                                                  std::uint32_t b0, std::uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace flashcore::kernels::ptx
