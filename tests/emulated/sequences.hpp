// Checks kernels for ragged batches and paged caches.
#pragma once

#include <string>

#include "emulated/kernel_test.hpp"
#include "unit/support/sequence_cases.hpp"

namespace flashcore::emulated {

// As failure_of(). K and V are in e4m3 if the variant's are.
std::string failure_of_sequences(const CompiledKernel& variant, SequenceCase sequences);

// Changes lengths, tables and tensors in place between launches with the same arguments. Empty when each output is right.
std::string failure_of_replays(const CompiledKernel& variant, std::int32_t page_size);

inline std::string sequence_case_name(const testing::TestParamInfo<SequenceCase>& instance) {
  return instance.param.name;
}

}  // namespace flashcore::emulated
