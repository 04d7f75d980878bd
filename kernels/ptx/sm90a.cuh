// PTX instructions of sm_90a only, one function per instruction: warpgroup matrix products and the exchange
// of registers. Titles in quotes are sections of the PTX ISA manual.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"

namespace flashcore::kernels::ptx {

// setmaxnreg.dec: gives registers back to the block's pool. By all warps of a warpgroup. ("setmaxnreg")
template <int kRegisters>
__device__ __forceinline__ void release_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// setmaxnreg.inc: waits until the pool has enough registers. By all warps of a warpgroup. ("setmaxnreg")
template <int kRegisters>
__device__ __forceinline__ void acquire_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// wgmma.fence: orders earlier register accesses before the products that follow. Needed before the first
// product and whenever other instructions wrote an accumulator or an A operand. ("wgmma.fence")
__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// wgmma.commit_group: the products issued since the last commit become one group. ("wgmma.commit_group")
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// wgmma.wait_group: waits until at most kPending groups are in flight. ("wgmma.wait_group")
template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// No instruction: products write their accumulators behind the compiler's back, and an empty statement that
// "changes" these keeps their uses on the right side of a wait or a fence.
template <int kCount>
__device__ __forceinline__ void pin_registers(float (&d)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

// --- wgmma.mma_async ("wgmma.mma_async", "Matrix Fragments for wgmma.mma_async.m64nNk16" and "m64nNk32")
//
// d[64, n] (+)= a[64, k] · b[k, n] with FP32 accumulators; k is 16 elements of two bytes or 32 of one. Thread
// t of the warpgroup holds, of row 16·(t / 32) + (t % 32) / 4 (+ 8), the columns 8·j + 2·(t % 4) (+ 1) in
// d[4·j] to d[4·j + 3]: two columns of the upper row, then two of the lower. So a thread has n / 2
// accumulators, and n follows from d.
//
//   wgmma<kDtype>(d, a, b, accumulate)
//     a and b in shared memory by their descriptors, both K-major; with `accumulate` false it overwrites d.
//   wgmma<kDtype>(d, a, b, accumulate = true)
//     a in registers, b in shared memory. b is MN-major for elements of two bytes, K-major for elements of one
//     byte, whose products take nothing else. A register of a has two elements in the layout
//     of d; or four elements of one byte: of row 16·(t / 32) + (t % 32) / 4 the columns 4·(t % 4) to + 3, the
//     same columns of the row eight below, and for both rows the columns 16 further on.

// The parts of the instruction's text that depend on the element type. The numbers after the operands are
// factors of a and b (1 or -1), then, for two-byte types, 1 for each operand in shared memory that is
// MN-major.
template <Dtype kDtype>
struct WgmmaText;
template <>
struct WgmmaText<Dtype::fp16> {
  static constexpr char kType[] = "k16.f32.f16.f16";
  static constexpr char kFromShared[] = "1, 1, 0, 0";
  static constexpr char kFromRegisters[] = "1, 1, 1";
};
template <>
struct WgmmaText<Dtype::bf16> {
  static constexpr char kType[] = "k16.f32.bf16.bf16";
  static constexpr char kFromShared[] = "1, 1, 0, 0";
  static constexpr char kFromRegisters[] = "1, 1, 1";
};
template <>
struct WgmmaText<Dtype::e4m3> {
  static constexpr char kType[] = "k32.f32.e4m3.e4m3";
  static constexpr char kFromShared[] = "1, 1";
  static constexpr char kFromRegisters[] = "1, 1";
};

// Inline assembly names operands by number only, and each accumulator has to stand in its text and in its
// operand list: a template can write neither. A row is eight operand numbers. The rows of all accumulators
// come first; the row behind them numbers the inputs.
// clang-format off
#define WGMMA_ROW_0 0, 1, 2, 3, 4, 5, 6, 7
#define WGMMA_ROW_1 8, 9, 10, 11, 12, 13, 14, 15
#define WGMMA_ROW_2 16, 17, 18, 19, 20, 21, 22, 23
#define WGMMA_ROW_3 24, 25, 26, 27, 28, 29, 30, 31
#define WGMMA_ROW_4 32, 33, 34, 35, 36, 37, 38, 39
#define WGMMA_ROW_5 40, 41, 42, 43, 44, 45, 46, 47
#define WGMMA_ROW_6 48, 49, 50, 51, 52, 53, 54, 55
#define WGMMA_ROW_7 56, 57, 58, 59, 60, 61, 62, 63
#define WGMMA_ROW_8 64, 65, 66, 67, 68, 69, 70, 71
#define WGMMA_ROW_9 72, 73, 74, 75, 76, 77, 78, 79
#define WGMMA_ROW_10 80, 81, 82, 83, 84, 85, 86, 87
#define WGMMA_ROW_11 88, 89, 90, 91, 92, 93, 94, 95
#define WGMMA_ROW_12 96, 97, 98, 99, 100, 101, 102, 103
#define WGMMA_ROW_13 104, 105, 106, 107, 108, 109, 110, 111
#define WGMMA_ROW_14 112, 113, 114, 115, 116, 117, 118, 119
#define WGMMA_ROW_15 120, 121, 122, 123, 124, 125, 126, 127
#define WGMMA_ROW_16 128, 129, 130, 131, 132, 133, 134, 135

#define WGMMA_ROWS_4(FIRST, NEXT) FIRST(WGMMA_ROW_0) NEXT(WGMMA_ROW_1) NEXT(WGMMA_ROW_2) NEXT(WGMMA_ROW_3)
#define WGMMA_ROWS_5(FIRST, NEXT) WGMMA_ROWS_4(FIRST, NEXT) NEXT(WGMMA_ROW_4)
#define WGMMA_ROWS_6(FIRST, NEXT) WGMMA_ROWS_5(FIRST, NEXT) NEXT(WGMMA_ROW_5)
#define WGMMA_ROWS_7(FIRST, NEXT) WGMMA_ROWS_6(FIRST, NEXT) NEXT(WGMMA_ROW_6)
#define WGMMA_ROWS_8(FIRST, NEXT) WGMMA_ROWS_7(FIRST, NEXT) NEXT(WGMMA_ROW_7)
#define WGMMA_ROWS_9(FIRST, NEXT) WGMMA_ROWS_8(FIRST, NEXT) NEXT(WGMMA_ROW_8)
#define WGMMA_ROWS_10(FIRST, NEXT) WGMMA_ROWS_9(FIRST, NEXT) NEXT(WGMMA_ROW_9)
#define WGMMA_ROWS_11(FIRST, NEXT) WGMMA_ROWS_10(FIRST, NEXT) NEXT(WGMMA_ROW_10)
#define WGMMA_ROWS_12(FIRST, NEXT) WGMMA_ROWS_11(FIRST, NEXT) NEXT(WGMMA_ROW_11)
#define WGMMA_ROWS_13(FIRST, NEXT) WGMMA_ROWS_12(FIRST, NEXT) NEXT(WGMMA_ROW_12)
#define WGMMA_ROWS_14(FIRST, NEXT) WGMMA_ROWS_13(FIRST, NEXT) NEXT(WGMMA_ROW_13)
#define WGMMA_ROWS_15(FIRST, NEXT) WGMMA_ROWS_14(FIRST, NEXT) NEXT(WGMMA_ROW_14)
#define WGMMA_ROWS_16(FIRST, NEXT) WGMMA_ROWS_15(FIRST, NEXT) NEXT(WGMMA_ROW_15)

#define WGMMA_NAMES_OF(a, b, c, d, e, f, g, h) \
  "%" #a ", %" #b ", %" #c ", %" #d ", %" #e ", %" #f ", %" #g ", %" #h
#define WGMMA_NAMES(...) WGMMA_NAMES_OF(__VA_ARGS__)
#define WGMMA_MORE_NAMES(...) ", " WGMMA_NAMES_OF(__VA_ARGS__)

#define WGMMA_ACCUMULATORS_OF(i, ...) \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), \
  "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define WGMMA_ACCUMULATORS(...) WGMMA_ACCUMULATORS_OF(__VA_ARGS__)
#define WGMMA_MORE_ACCUMULATORS(...) , WGMMA_ACCUMULATORS_OF(__VA_ARGS__)

#define WGMMA_TEXT_OF(kN, names, a, accumulate, type, factors) \
  "{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, %" #accumulate ", 0;\n" \
  "wgmma.mma_async.sync.aligned.m64n" #kN "%" #type " {" names "}, " a ", accumulate, %" #factors ";\n}"
#define WGMMA_SHARED_OF(kN, names, a, b, accumulate, type, factors, ...) \
  WGMMA_TEXT_OF(kN, names, "%" #a ", %" #b, accumulate, type, factors)
#define WGMMA_REGISTERS_OF(kN, names, a0, a1, a2, a3, b, accumulate, type, factors) \
  WGMMA_TEXT_OF(kN, names, "{%" #a0 ", %" #a1 ", %" #a2 ", %" #a3 "}, %" #b, accumulate, type, factors)
#define WGMMA_SHARED(...) WGMMA_SHARED_OF(__VA_ARGS__)
#define WGMMA_REGISTERS(...) WGMMA_REGISTERS_OF(__VA_ARGS__)

// kRows is kN / 16: eight accumulators in each.
#define WGMMA_WIDTH(kN, kRows) \
  template <Dtype kDtype> \
  __device__ void wgmma(float (&d)[kN / 2], std::uint64_t a, std::uint64_t b, bool accumulate) { \
    asm volatile(WGMMA_SHARED(kN, WGMMA_ROWS_##kRows(WGMMA_NAMES, WGMMA_MORE_NAMES), WGMMA_ROW_##kRows) \
                 : WGMMA_ROWS_##kRows(WGMMA_ACCUMULATORS, WGMMA_MORE_ACCUMULATORS) \
                 : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)), "C"(WgmmaText<kDtype>::kType), \
                   "C"(WgmmaText<kDtype>::kFromShared)); \
  } \
  template <Dtype kDtype> \
  __device__ void wgmma(float (&d)[kN / 2], const std::uint32_t (&a)[4], std::uint64_t b, \
                        bool accumulate = true) { \
    asm volatile(WGMMA_REGISTERS(kN, WGMMA_ROWS_##kRows(WGMMA_NAMES, WGMMA_MORE_NAMES), WGMMA_ROW_##kRows) \
                 : WGMMA_ROWS_##kRows(WGMMA_ACCUMULATORS, WGMMA_MORE_ACCUMULATORS) \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), \
                   "r"(static_cast<int>(accumulate)), "C"(WgmmaText<kDtype>::kType), \
                   "C"(WgmmaText<kDtype>::kFromRegisters)); \
  }
// clang-format on

WGMMA_WIDTH(64, 4)
WGMMA_WIDTH(80, 5)
WGMMA_WIDTH(96, 6)
WGMMA_WIDTH(112, 7)
WGMMA_WIDTH(128, 8)
WGMMA_WIDTH(144, 9)
WGMMA_WIDTH(160, 10)
WGMMA_WIDTH(176, 11)
WGMMA_WIDTH(192, 12)
WGMMA_WIDTH(208, 13)
WGMMA_WIDTH(224, 14)
WGMMA_WIDTH(240, 15)
WGMMA_WIDTH(256, 16)

}  // namespace flashcore::kernels::ptx
