// The threads of a CPU kernel: OpenMP's, or a single one where the compiler has no OpenMP.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace flashcore::kernels {

// Threads that the next parallel region will have.
inline int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

// Index of the calling thread in its parallel region.
inline int thread_index() {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

}  // namespace flashcore::kernels
