// The hash of the machine code of all CPU kernels of this program.
#pragma once

namespace flashcore::kernels {

// 16 hexadecimal digits, made when the program is built (scripts/cmake/cpu_code.cmake).
const char* cpu_code_hash();

}  // namespace flashcore::kernels
