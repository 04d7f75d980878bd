# What the program tells about its own making: generated/build_config.hpp, written when CMake configures, and
# generated/git_version.hpp, checked at each build.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type_upper)
string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type_upper}}" flashcore_cxx_flags)
if(flashcore_cuda)
  string(STRIP "${CMAKE_CUDA_FLAGS} ${CMAKE_CUDA_FLAGS_${build_type_upper}}" flashcore_cuda_flags)
  set(flashcore_cuda_architectures "${CMAKE_CUDA_ARCHITECTURES}")
  if(CMAKE_CUDA_ARCHITECTURES STREQUAL "native")
    set(flashcore_cuda_architectures "${CMAKE_CUDA_ARCHITECTURES_NATIVE}")
  elseif(CMAKE_CUDA_ARCHITECTURES MATCHES "^all")
    set(flashcore_cuda_architectures "${CMAKE_CUDA_ARCHITECTURES_ALL}")
  endif()
endif()
get_property(flashcore_libraries GLOBAL PROPERTY flashcore_libraries)
list(JOIN flashcore_libraries ", " flashcore_libraries)
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_config.hpp.in ${CMAKE_BINARY_DIR}/generated/build_config.hpp @ONLY)

set(git_version_header ${CMAKE_BINARY_DIR}/generated/git_version.hpp)
add_custom_target(flashcore_git_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${git_version_header}
    -P ${CMAKE_CURRENT_LIST_DIR}/git_version.cmake
  BYPRODUCTS ${git_version_header}
  COMMENT "Reading the git commit" VERBATIM)
add_dependencies(flashcore flashcore_git_version)
target_include_directories(flashcore PRIVATE ${CMAKE_BINARY_DIR}/generated)
