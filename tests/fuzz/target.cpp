// The libFuzzer target for one reader; scripts/fuzz.sh runs it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {  // NOLINT: libFuzzer's name
  constexpr auto kReader =
      std::ranges::find(flashcore::fuzz::kReaders, FLASHCORE_FUZZED_READER, &flashcore::fuzz::Reader::name);
  static_assert(kReader != std::end(flashcore::fuzz::kReaders), "no reader has this name");
  kReader->read({reinterpret_cast<const char*>(data), size});
  return 0;
}
