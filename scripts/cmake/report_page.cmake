# The HTML report's parts, as strings in generated/report_page.cpp: the files of src/render/page, and Chart.js 3 of this
# system with its licence. Without Chart.js the program builds all the same, and names the package when asked for HTML.
set(page_dir ${CMAKE_SOURCE_DIR}/src/render/page)
# In this order: a script may use what those before it define when they are run.
set(page_scripts data text state theme figure table samples head overview comparison trend ladder roofline sequence errors
  tiles resources records download main)
list(TRANSFORM page_scripts REPLACE "(.+)" "${page_dir}/\\1.js")

find_file(FLASHCORE_CHART_JS NAMES chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
  NO_DEFAULT_PATH DOC "Chart.js 3, minified, for the HTML report")
find_file(FLASHCORE_CHART_JS_LICENSE NAMES copyright PATHS /usr/share/doc/libjs-chart.js NO_DEFAULT_PATH
  DOC "The licence of FLASHCORE_CHART_JS")
set(chart_library "")
set(chart_license "")
if(FLASHCORE_CHART_JS AND FLASHCORE_CHART_JS_LICENSE)
  file(READ ${FLASHCORE_CHART_JS} chart_library)
  file(READ ${FLASHCORE_CHART_JS_LICENSE} chart_license)
else()
  message(STATUS "FlashCore: Chart.js was not found (package libjs-chart.js), building without HTML reports")
endif()

file(READ ${page_dir}/page.html page_html)
file(READ ${page_dir}/style.css page_style)
set(page_script "")
foreach(script IN LISTS page_scripts)
  file(READ ${script} text)
  string(APPEND page_script "${text}\n")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${page_dir}/page.html ${page_dir}/style.css ${page_scripts})
configure_file(${CMAKE_CURRENT_LIST_DIR}/report_page.cpp.in ${CMAKE_BINARY_DIR}/generated/report_page.cpp @ONLY)
target_sources(flashcore PRIVATE ${CMAKE_BINARY_DIR}/generated/report_page.cpp)
