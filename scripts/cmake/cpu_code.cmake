# Writes OUTPUT, a source file with the hash of OBJECTS (paths separated by |), the object files of the CPU kernels.
string(REPLACE "|" ";" objects "${OBJECTS}")
foreach(object IN LISTS objects)
  file(SHA256 "${object}" hash)
  string(APPEND hashes "${hash}\n")
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING "${hash}" 0 16 hash)
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
#include "kernels/common/cpu_code.hpp"

namespace flashcore::kernels {

const char* cpu_code_hash() { return "@hash@"; }

}  // namespace flashcore::kernels
]])
