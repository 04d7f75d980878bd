# cmake -DHELP2MAN=… -DPROGRAM=… -DVERSION=… -DOUTPUT=… -P man_pages.cmake
# Writes flashcore-bench.1, and a page per command, flashcore-bench-<command>.1, from the program's help.
execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "Subcommands:\n(  [^\n]*\n)+" listed "${help}")
string(REGEX MATCHALL "\n  [a-z]+" commands "${listed}")
list(TRANSFORM commands STRIP)
if(commands STREQUAL "")
  message(FATAL_ERROR "${PROGRAM} --help lists no command")
endif()

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})
set(pages flashcore-bench)
foreach(command IN LISTS commands)
  list(APPEND pages flashcore-bench-${command})
endforeach()
list(TRANSFORM pages REPLACE "(.+)" ".BR \\1 (1)," OUTPUT_VARIABLE references)
list(JOIN references "\n" references)
string(REGEX REPLACE ",$" "" references "${references}")
file(WRITE ${OUTPUT}/see_also "[see also]\n${references}\n")

function(write_page page title)
  execute_process(COMMAND ${HELP2MAN} --no-info --section=1 "--name=${title}" --manual=FlashCore
    "--source=FlashCore ${VERSION}" "--version-string=${VERSION}" "--help-option=${ARGN} --help"
    --include=${OUTPUT}/see_also ${PROGRAM} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  # help2man takes the name of the page from the program.
  string(TOUPPER "${page}" heading)
  string(REPLACE ".TH FLASHCORE-BENCH " ".TH ${heading} " text "${text}")
  string(REPLACE "\nflashcore-bench \\- " "\n${page} \\- " text "${text}")
  file(WRITE ${OUTPUT}/${page}.1 "${text}")
endfunction()

foreach(command IN LISTS commands)
  execute_process(COMMAND ${PROGRAM} ${command} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "^[^\n]*" title "${help}")
  write_page(flashcore-bench-${command} "${title}" ${command})
endforeach()
write_page(flashcore-bench "check, time and tune fused attention kernels")
