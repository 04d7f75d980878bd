// wgmma: matrix products of a warpgroup (sm_90a). PTX ISA, "Asynchronous warpgroup level matrix
// instructions".
//
// d[64, kN] (+)= a[64, 16] · b[16, kN] with FP32 accumulators; 32 in place of 16 for e4m3. Thread t of the
// warpgroup holds, of row 16·(t / 32) + (t % 32) / 4 (+ 8), the columns 8·j + 2·(t % 4) (+ 1) in d[4·j] to
// d[4·j + 3]: two columns of the upper row, then two of the lower. An A operand in registers has the same
// layout with pairs packed to 32 bits.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"

namespace flashcore::kernels {

// wgmma.fence: orders earlier register accesses before the products that follow; needed before the first one
// and whenever other instructions wrote an accumulator or an A operand.
__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// wgmma.commit_group: the products issued since the last commit become one group.
__device__ inline void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// wgmma.wait_group: waits until at most kPending groups are in flight.
template <int kPending>
__device__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// Products write their accumulators behind the compiler's back: an empty statement that "changes" them keeps
// their uses on the right side of a wait or a fence.
template <int kCount>
__device__ void pin_registers(float (&d)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

// The element type's name in the instruction.
template <Dtype kDtype>
struct WgmmaType;
template <>
struct WgmmaType<Dtype::fp16> {
  static constexpr char kName[] = ".f16.f16";
};
template <>
struct WgmmaType<Dtype::bf16> {
  static constexpr char kName[] = ".bf16.bf16";
};

template <Dtype kDtype, int kN>
struct Wgmma;

// Register lists of the inline assembly: operands %0 to %127, and references to d[i], eight at a time.
#define WGMMA_OPERANDS_0 "%0, %1, %2, %3, %4, %5, %6, %7"
#define WGMMA_OPERANDS_1 "%8, %9, %10, %11, %12, %13, %14, %15"
#define WGMMA_OPERANDS_2 "%16, %17, %18, %19, %20, %21, %22, %23"
#define WGMMA_OPERANDS_3 "%24, %25, %26, %27, %28, %29, %30, %31"
#define WGMMA_OPERANDS_4 "%32, %33, %34, %35, %36, %37, %38, %39"
#define WGMMA_OPERANDS_5 "%40, %41, %42, %43, %44, %45, %46, %47"
#define WGMMA_OPERANDS_6 "%48, %49, %50, %51, %52, %53, %54, %55"
#define WGMMA_OPERANDS_7 "%56, %57, %58, %59, %60, %61, %62, %63"
#define WGMMA_OPERANDS_8 "%64, %65, %66, %67, %68, %69, %70, %71"
#define WGMMA_OPERANDS_9 "%72, %73, %74, %75, %76, %77, %78, %79"
#define WGMMA_OPERANDS_10 "%80, %81, %82, %83, %84, %85, %86, %87"
#define WGMMA_OPERANDS_11 "%88, %89, %90, %91, %92, %93, %94, %95"
#define WGMMA_OPERANDS_12 "%96, %97, %98, %99, %100, %101, %102, %103"
#define WGMMA_OPERANDS_13 "%104, %105, %106, %107, %108, %109, %110, %111"
#define WGMMA_OPERANDS_14 "%112, %113, %114, %115, %116, %117, %118, %119"
#define WGMMA_OPERANDS_15 "%120, %121, %122, %123, %124, %125, %126, %127"
#define WGMMA_ACCUMULATORS(i)                                                                 \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
#define WGMMA_OPERANDS_TO_8 WGMMA_OPERANDS_0
#define WGMMA_ACCUMULATORS_TO_8 WGMMA_ACCUMULATORS(0)
#define WGMMA_OPERANDS_TO_16 WGMMA_OPERANDS_TO_8 ", " WGMMA_OPERANDS_1
#define WGMMA_ACCUMULATORS_TO_16 WGMMA_ACCUMULATORS_TO_8, WGMMA_ACCUMULATORS(8)
#define WGMMA_OPERANDS_TO_24 WGMMA_OPERANDS_TO_16 ", " WGMMA_OPERANDS_2
#define WGMMA_ACCUMULATORS_TO_24 WGMMA_ACCUMULATORS_TO_16, WGMMA_ACCUMULATORS(16)
#define WGMMA_OPERANDS_TO_32 WGMMA_OPERANDS_TO_24 ", " WGMMA_OPERANDS_3
#define WGMMA_ACCUMULATORS_TO_32 WGMMA_ACCUMULATORS_TO_24, WGMMA_ACCUMULATORS(24)
#define WGMMA_OPERANDS_TO_40 WGMMA_OPERANDS_TO_32 ", " WGMMA_OPERANDS_4
#define WGMMA_ACCUMULATORS_TO_40 WGMMA_ACCUMULATORS_TO_32, WGMMA_ACCUMULATORS(32)
#define WGMMA_OPERANDS_TO_48 WGMMA_OPERANDS_TO_40 ", " WGMMA_OPERANDS_5
#define WGMMA_ACCUMULATORS_TO_48 WGMMA_ACCUMULATORS_TO_40, WGMMA_ACCUMULATORS(40)
#define WGMMA_OPERANDS_TO_56 WGMMA_OPERANDS_TO_48 ", " WGMMA_OPERANDS_6
#define WGMMA_ACCUMULATORS_TO_56 WGMMA_ACCUMULATORS_TO_48, WGMMA_ACCUMULATORS(48)
#define WGMMA_OPERANDS_TO_64 WGMMA_OPERANDS_TO_56 ", " WGMMA_OPERANDS_7
#define WGMMA_ACCUMULATORS_TO_64 WGMMA_ACCUMULATORS_TO_56, WGMMA_ACCUMULATORS(56)
#define WGMMA_OPERANDS_TO_72 WGMMA_OPERANDS_TO_64 ", " WGMMA_OPERANDS_8
#define WGMMA_ACCUMULATORS_TO_72 WGMMA_ACCUMULATORS_TO_64, WGMMA_ACCUMULATORS(64)
#define WGMMA_OPERANDS_TO_80 WGMMA_OPERANDS_TO_72 ", " WGMMA_OPERANDS_9
#define WGMMA_ACCUMULATORS_TO_80 WGMMA_ACCUMULATORS_TO_72, WGMMA_ACCUMULATORS(72)
#define WGMMA_OPERANDS_TO_88 WGMMA_OPERANDS_TO_80 ", " WGMMA_OPERANDS_10
#define WGMMA_ACCUMULATORS_TO_88 WGMMA_ACCUMULATORS_TO_80, WGMMA_ACCUMULATORS(80)
#define WGMMA_OPERANDS_TO_96 WGMMA_OPERANDS_TO_88 ", " WGMMA_OPERANDS_11
#define WGMMA_ACCUMULATORS_TO_96 WGMMA_ACCUMULATORS_TO_88, WGMMA_ACCUMULATORS(88)
#define WGMMA_OPERANDS_TO_104 WGMMA_OPERANDS_TO_96 ", " WGMMA_OPERANDS_12
#define WGMMA_ACCUMULATORS_TO_104 WGMMA_ACCUMULATORS_TO_96, WGMMA_ACCUMULATORS(96)
#define WGMMA_OPERANDS_TO_112 WGMMA_OPERANDS_TO_104 ", " WGMMA_OPERANDS_13
#define WGMMA_ACCUMULATORS_TO_112 WGMMA_ACCUMULATORS_TO_104, WGMMA_ACCUMULATORS(104)
#define WGMMA_OPERANDS_TO_120 WGMMA_OPERANDS_TO_112 ", " WGMMA_OPERANDS_14
#define WGMMA_ACCUMULATORS_TO_120 WGMMA_ACCUMULATORS_TO_112, WGMMA_ACCUMULATORS(112)
#define WGMMA_OPERANDS_TO_128 WGMMA_OPERANDS_TO_120 ", " WGMMA_OPERANDS_15
#define WGMMA_ACCUMULATORS_TO_128 WGMMA_ACCUMULATORS_TO_120, WGMMA_ACCUMULATORS(120)

// One specialisation a width. kRegisters is kN / 2; r0 to r6 are the numbers of the operands that follow
// them.
//   product(d, a, b): a and b in shared memory, both K-major; `accumulate` false overwrites d.
//   product_transposed(d, a, b): a in registers, b in shared memory, MN-major; adds to d.
#define WGMMA_WIDTH(kWidth, kRegisters, r0, r1, r2, r3, r4, r5, r6)                                        \
  template <Dtype kDtype>                                                                                  \
  struct Wgmma<kDtype, kWidth> {                                                                           \
    __device__ static void product(float (&d)[kRegisters], std::uint64_t a, std::uint64_t b,               \
                                   bool accumulate) {                                                      \
      asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #r2                              \
                   ", 0;\n"                                                                                \
                   "wgmma.mma_async.sync.aligned.m64n" #kWidth "k16.f32%" #r3                              \
                   " {" WGMMA_OPERANDS_TO_##kRegisters "}, %" #r0 ", %" #r1 ", accumulate, 1, 1, 0, 0;\n}" \
                   : WGMMA_ACCUMULATORS_TO_##kRegisters                                                    \
                   : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)), "C"(WgmmaType<kDtype>::kName));    \
    }                                                                                                      \
    __device__ static void product_transposed(float (&d)[kRegisters], const std::uint32_t (&a)[4],         \
                                              std::uint64_t b) {                                           \
      asm volatile(                                                                                        \
          "{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #r5                                       \
          ", 0;\n"                                                                                         \
          "wgmma.mma_async.sync.aligned.m64n" #kWidth "k16.f32%" #r6 " {" WGMMA_OPERANDS_TO_##kRegisters   \
          "}, {%" #r0 ", %" #r1 ", %" #r2 ", %" #r3 "}, %" #r4 ", accumulate, 1, 1, 1;\n}"                 \
          : WGMMA_ACCUMULATORS_TO_##kRegisters                                                             \
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(1), "C"(WgmmaType<kDtype>::kName));    \
    }                                                                                                      \
  };

WGMMA_WIDTH(64, 32, 32, 33, 34, 35, 36, 37, 38)
WGMMA_WIDTH(80, 40, 40, 41, 42, 43, 44, 45, 46)
WGMMA_WIDTH(96, 48, 48, 49, 50, 51, 52, 53, 54)
WGMMA_WIDTH(112, 56, 56, 57, 58, 59, 60, 61, 62)
WGMMA_WIDTH(128, 64, 64, 65, 66, 67, 68, 69, 70)
WGMMA_WIDTH(144, 72, 72, 73, 74, 75, 76, 77, 78)
WGMMA_WIDTH(160, 80, 80, 81, 82, 83, 84, 85, 86)
WGMMA_WIDTH(176, 88, 88, 89, 90, 91, 92, 93, 94)
WGMMA_WIDTH(192, 96, 96, 97, 98, 99, 100, 101, 102)
WGMMA_WIDTH(208, 104, 104, 105, 106, 107, 108, 109, 110)
WGMMA_WIDTH(224, 112, 112, 113, 114, 115, 116, 117, 118)
WGMMA_WIDTH(256, 128, 128, 129, 130, 131, 132, 133, 134)

// The same for e4m3, whose operands are K-major, all of them. An A operand in registers has four elements in
// each: of row 16·(t / 32) + (t % 32) / 4 the columns 4·(t % 4) to + 3, the same of the row eight below, and
// of both the columns 16 further on.
//   product_registers(d, a, b): a in registers, b in shared memory; adds to d.
#define WGMMA_E4M3_WIDTH(kWidth, kRegisters, r0, r1, r2, r3, r4, r5)                                        \
  template <>                                                                                               \
  struct Wgmma<Dtype::e4m3, kWidth> {                                                                       \
    __device__ static void product(float (&d)[kRegisters], std::uint64_t a, std::uint64_t b,                \
                                   bool accumulate) {                                                       \
      asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #r2                               \
                   ", 0;\n"                                                                                 \
                   "wgmma.mma_async.sync.aligned.m64n" #kWidth                                              \
                   "k32.f32.e4m3.e4m3"                                                                      \
                   " {" WGMMA_OPERANDS_TO_##kRegisters "}, %" #r0 ", %" #r1 ", accumulate, 1, 1;\n}"        \
                   : WGMMA_ACCUMULATORS_TO_##kRegisters                                                     \
                   : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)));                                    \
    }                                                                                                       \
    __device__ static void product_registers(float (&d)[kRegisters], const std::uint32_t (&a)[4],           \
                                             std::uint64_t b) {                                             \
      asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #r5                               \
                   ", 0;\n"                                                                                 \
                   "wgmma.mma_async.sync.aligned.m64n" #kWidth                                              \
                   "k32.f32.e4m3.e4m3"                                                                      \
                   " {" WGMMA_OPERANDS_TO_##kRegisters "}, {%" #r0 ", %" #r1 ", %" #r2 ", %" #r3 "}, %" #r4 \
                                                       ", accumulate, 1, 1;\n}"                             \
                   : WGMMA_ACCUMULATORS_TO_##kRegisters                                                     \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(1));                           \
    }                                                                                                       \
  };

WGMMA_E4M3_WIDTH(64, 32, 32, 33, 34, 35, 36, 37)
WGMMA_E4M3_WIDTH(96, 48, 48, 49, 50, 51, 52, 53)
WGMMA_E4M3_WIDTH(128, 64, 64, 65, 66, 67, 68, 69)
WGMMA_E4M3_WIDTH(160, 80, 80, 81, 82, 83, 84, 85)
WGMMA_E4M3_WIDTH(192, 96, 96, 97, 98, 99, 100, 101)
WGMMA_E4M3_WIDTH(224, 112, 112, 113, 114, 115, 116, 117)
WGMMA_E4M3_WIDTH(256, 128, 128, 129, 130, 131, 132, 133)

#undef WGMMA_E4M3_WIDTH
#undef WGMMA_WIDTH
#undef WGMMA_ACCUMULATORS
#undef WGMMA_OPERANDS_0
#undef WGMMA_OPERANDS_1
#undef WGMMA_OPERANDS_2
#undef WGMMA_OPERANDS_3
#undef WGMMA_OPERANDS_4
#undef WGMMA_OPERANDS_5
#undef WGMMA_OPERANDS_6
#undef WGMMA_OPERANDS_7
#undef WGMMA_OPERANDS_8
#undef WGMMA_OPERANDS_9
#undef WGMMA_OPERANDS_10
#undef WGMMA_OPERANDS_11
#undef WGMMA_OPERANDS_12
#undef WGMMA_OPERANDS_13
#undef WGMMA_OPERANDS_14
#undef WGMMA_OPERANDS_15
#undef WGMMA_OPERANDS_TO_8
#undef WGMMA_ACCUMULATORS_TO_8
#undef WGMMA_OPERANDS_TO_16
#undef WGMMA_ACCUMULATORS_TO_16
#undef WGMMA_OPERANDS_TO_24
#undef WGMMA_ACCUMULATORS_TO_24
#undef WGMMA_OPERANDS_TO_32
#undef WGMMA_ACCUMULATORS_TO_32
#undef WGMMA_OPERANDS_TO_40
#undef WGMMA_ACCUMULATORS_TO_40
#undef WGMMA_OPERANDS_TO_48
#undef WGMMA_ACCUMULATORS_TO_48
#undef WGMMA_OPERANDS_TO_56
#undef WGMMA_ACCUMULATORS_TO_56
#undef WGMMA_OPERANDS_TO_64
#undef WGMMA_ACCUMULATORS_TO_64
#undef WGMMA_OPERANDS_TO_72
#undef WGMMA_ACCUMULATORS_TO_72
#undef WGMMA_OPERANDS_TO_80
#undef WGMMA_ACCUMULATORS_TO_80
#undef WGMMA_OPERANDS_TO_88
#undef WGMMA_ACCUMULATORS_TO_88
#undef WGMMA_OPERANDS_TO_96
#undef WGMMA_ACCUMULATORS_TO_96
#undef WGMMA_OPERANDS_TO_104
#undef WGMMA_ACCUMULATORS_TO_104
#undef WGMMA_OPERANDS_TO_112
#undef WGMMA_ACCUMULATORS_TO_112
#undef WGMMA_OPERANDS_TO_120
#undef WGMMA_ACCUMULATORS_TO_120
#undef WGMMA_OPERANDS_TO_128
#undef WGMMA_ACCUMULATORS_TO_128

}  // namespace flashcore::kernels
