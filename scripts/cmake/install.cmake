# What is installed, and the packages made of it. scripts/run.sh builds the target flashcore_product, and installing
# needs no other.
set(flashcore_product_files "")

# Completions of the shells and man pages come from the program that was built.
set(completion_folder ${CMAKE_BINARY_DIR}/completions)
set(completion_bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions/flashcore-bench)
set(completion_zsh ${CMAKE_INSTALL_DATADIR}/zsh/site-functions/_flashcore-bench)
set(completion_fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/flashcore-bench.fish)
foreach(shell bash zsh fish)
  set(output ${completion_folder}/flashcore-bench.${shell})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${completion_folder}
    COMMAND ${CMAKE_COMMAND} -E env --unset=FLASHCORE_CONFIG_DIR
      $<TARGET_FILE:flashcore-bench> completion ${shell} > ${output}
    DEPENDS flashcore-bench COMMENT "Writing the completions of ${shell}" VERBATIM)
  list(APPEND flashcore_product_files ${output})
  cmake_path(GET completion_${shell} PARENT_PATH folder)
  cmake_path(GET completion_${shell} FILENAME name)
  install(FILES ${output} DESTINATION ${folder} RENAME ${name})
endforeach()

find_program(HELP2MAN help2man)
if(HELP2MAN)
  set(man_folder ${CMAKE_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${man_folder}/flashcore-bench.1
    COMMAND ${CMAKE_COMMAND} -DHELP2MAN=${HELP2MAN} -DPROGRAM=$<TARGET_FILE:flashcore-bench>
      -DVERSION=${PROJECT_VERSION} -DOUTPUT=${man_folder}
      -P ${CMAKE_SOURCE_DIR}/scripts/cmake/man_pages.cmake
    DEPENDS flashcore-bench ${CMAKE_SOURCE_DIR}/scripts/cmake/man_pages.cmake
    COMMENT "Writing the man pages" VERBATIM)
  list(APPEND flashcore_product_files ${man_folder}/flashcore-bench.1)
  install(DIRECTORY ${man_folder}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
else()
  message(STATUS "FlashCore: help2man was not found, man pages are not made")
endif()

add_custom_target(flashcore_product ALL DEPENDS flashcore-bench flashcore_shared ${flashcore_product_files})

install(TARGETS flashcore-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS flashcore_shared EXPORT flashcore-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
target_include_directories(flashcore_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(flashcore_shared PROPERTIES EXPORT_NAME flashcore)
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/flashcore/configs FILES_MATCHING PATTERN "*.json")
install(DIRECTORY results/tuned DESTINATION ${CMAKE_INSTALL_DATADIR}/flashcore/results OPTIONAL
  FILES_MATCHING PATTERN "*.json")
install(DIRECTORY src/capi/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/flashcore
  FILES_MATCHING PATTERN "*.[ch]" PATTERN "CMakeLists.txt")
install(PROGRAMS scripts/ci/gate.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/flashcore/ci)
install(FILES scripts/ci/gate.json DESTINATION ${CMAKE_INSTALL_DATADIR}/flashcore/ci)
install(FILES CHANGELOG.md CITATION.cff LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

# find_package(flashcore) and pkg-config, by places relative to their own, so that the folder may move.
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/flashcore)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/flashcore-config-version.cmake
  COMPATIBILITY SameMinorVersion)
file(WRITE ${CMAKE_BINARY_DIR}/package/flashcore-config.cmake
  "include(\${CMAKE_CURRENT_LIST_DIR}/flashcore-targets.cmake)\n")
install(FILES ${CMAKE_BINARY_DIR}/package/flashcore-config.cmake
  ${CMAKE_BINARY_DIR}/package/flashcore-config-version.cmake DESTINATION ${package_folder})
install(EXPORT flashcore-targets NAMESPACE flashcore:: DESTINATION ${package_folder})

set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
# The folders may be absolute or lead up; relative to an assumed prefix they are neither.
foreach(kind INCLUDEDIR LIBDIR)
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_${kind} BASE_DIRECTORY /prefix NORMALIZE OUTPUT_VARIABLE folder)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY /prefix/${pkgconfig_folder} OUTPUT_VARIABLE from_pkgconfig_${kind})
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/flashcore.pc.in ${CMAKE_BINARY_DIR}/package/flashcore.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/flashcore.pc DESTINATION ${pkgconfig_folder})

# A Debian package: cpack --config <build>/CPackConfig.cmake
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # what is packed is built by flashcore_product
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flashcore)
set(CPACK_PACKAGE_CONTACT "The FlashCore authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
  "flashcore-bench checks, times, tunes and diagnoses attention kernels on CUDA devices and CPUs.
libflashcore chooses and launches its kernels from C.")
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
include(CPack)
