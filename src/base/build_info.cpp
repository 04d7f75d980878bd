#include "base/build_info.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/compiled_architectures.hpp"
#include "build_config.hpp"
#include "git_version.hpp"

namespace flashcore {
namespace {

#ifdef FLASHCORE_HAVE_CUDA
constexpr bool kHaveCuda = true;
#else
constexpr bool kHaveCuda = false;
#endif

constexpr const char* if_cuda(const char* text) { return kHaveCuda ? text : ""; }

}  // namespace

const BuildInfo& build_info() {
  static const BuildInfo info{.version = FLASHCORE_VERSION,
                              .git_commit = FLASHCORE_GIT_COMMIT,
                              .git_dirty = FLASHCORE_GIT_DIRTY,
                              .build_type = FLASHCORE_BUILD_TYPE,
                              .cxx_compiler = FLASHCORE_CXX_COMPILER,
                              .cxx_flags = FLASHCORE_CXX_FLAGS,
                              .cuda_compiler = if_cuda(FLASHCORE_CUDA_COMPILER),
                              .cuda_flags = if_cuda(FLASHCORE_CUDA_FLAGS),
                              .cuda_architectures = if_cuda(FLASHCORE_CUDA_ARCHITECTURES),
                              .cuda_toolkit = if_cuda(FLASHCORE_CUDA_TOOLKIT),
                              .libraries = FLASHCORE_LIBRARIES};
  return info;
}

std::string version_line() {
  const BuildInfo& info = build_info();
  if (info.git_commit.empty()) return fmt::format("flashcore-bench {}", info.version);
  return fmt::format("flashcore-bench {} ({:.12}{})", info.version, info.git_commit,
                     info.git_dirty ? ", modified" : "");
}

std::string version_text() {
  const BuildInfo& info = build_info();
  const std::string cuda = kHaveCuda
                               ? fmt::format("{}, compiled for {}", info.cuda_toolkit,
                                             fmt::join(list_architectures(info.cuda_architectures), ", "))
                               : "not built";
  return fmt::format("{}\ncompiler: {}, {}\nlibraries: {}\nCUDA: {}\n", version_line(), info.cxx_compiler,
                     info.build_type, info.libraries, cuda);
}

}  // namespace flashcore
