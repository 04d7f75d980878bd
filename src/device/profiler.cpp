#include "device/profiler.hpp"

#ifdef FLASHCORE_HAVE_CUDA
#include <cuda_profiler_api.h>
#endif

namespace flashcore {

#ifdef FLASHCORE_HAVE_CUDA
ProfilerWindow::ProfilerWindow() { cudaProfilerStart(); }
ProfilerWindow::~ProfilerWindow() { cudaProfilerStop(); }
#else
ProfilerWindow::ProfilerWindow() = default;
ProfilerWindow::~ProfilerWindow() = default;
#endif

}  // namespace flashcore
