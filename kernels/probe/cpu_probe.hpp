// The FP32 arithmetic that one thread of this processor can do.
#pragma once

namespace flashcore::kernels {

// Operations per second of vector FMA on one thread, two per multiply-add, from the best of many short bursts: other
// work on the machine hardly lowers it. Takes about 5 ms.
double measure_cpu_flops_per_s();

}  // namespace flashcore::kernels
