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

// Sets the threads of parallel regions that this thread begins.
inline void set_thread_count([[maybe_unused]] int count) {
#ifdef _OPENMP
  omp_set_num_threads(count);
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
