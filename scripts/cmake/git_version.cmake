# Run at each build: cmake -DSOURCE_DIR=… -DOUTPUT=….hpp -P git_version.cmake
# Writes the commit that is being built and whether tracked files differ from it. The header is touched only
# when its content changes, so that nothing is compiled again for nothing. Outside of a git checkout, and in a
# copy that lies inside of somebody else's, the commit is empty.
set(commit "")
set(dirty false)
find_program(GIT git)
if(GIT)
  # The prefix is empty at the root of a checkout alone.
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --show-prefix
    OUTPUT_VARIABLE prefix RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed AND prefix STREQUAL "")
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --verify --quiet HEAD
      OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    # --no-optional-locks: a build must not disturb a git command that runs beside it.
    execute_process(COMMAND ${GIT} --no-optional-locks -C ${SOURCE_DIR} status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET)
    if(NOT changes STREQUAL "")
      set(dirty true)
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
// Made by scripts/cmake/git_version.cmake at each build.
#pragma once
#define FLASHCORE_GIT_COMMIT "@commit@"
#define FLASHCORE_GIT_DIRTY @dirty@
]])
