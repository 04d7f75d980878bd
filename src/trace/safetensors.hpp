// Tensors of whole numbers in files of the format safetensors: the length of a JSON header in 8 bytes, the header, data;
// all little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// The tensor `key`, of one axis and of I32 or I64. `file` names the bytes in errors. Throws UsageError.
std::vector<std::int64_t> safetensors_integers(std::string_view bytes, const std::string& key,
                                               const std::string& file);

}  // namespace flashcore
