// Batches that tend to break kernels for ragged batches and paged caches.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "unit/support/sequence_batch.hpp"

namespace flashcore {

// Mixed lengths, none of queries or keys among them, masks, sinks, groups, unused rows; with contiguous K and V.
std::vector<SequenceCase> sequence_cases();

// The same and more in pages of 1, 16 and 48 keys.
std::vector<SequenceCase> paged_cases();

// Five random sequences, other ones for each `set`, that fit into the same arrays. page_size 0: contiguous K and V.
SequenceCase replayed_case(int set, std::int32_t page_size);

inline void PrintTo(const SequenceCase& shown, std::ostream* out) { *out << shown.name; }

}  // namespace flashcore
