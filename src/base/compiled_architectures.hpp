// Which CUDA devices can run the code that this program was compiled to.
//
// `architectures` is a list in the form of CMAKE_CUDA_ARCHITECTURES, separated by semicolons or commas: "80-real" is machine
// code, "80-virtual" is PTX, which the driver compiles for newer devices, and "80" is both. Compute capabilities are
// 10 · major + minor.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// Their names, without empty ones.
std::vector<std::string> list_architectures(std::string_view architectures);

// The compute capability that the device's code is compiled for; nothing if none of the list runs on the device.
std::optional<int> code_capability(std::string_view architectures, int compute_capability);

// Why no code runs on the device, and which build does; empty if some does, or if the list is empty.
std::string no_code_reason(std::string_view architectures, int compute_capability);

// "9.0".
std::string capability_text(int compute_capability);

}  // namespace flashcore
