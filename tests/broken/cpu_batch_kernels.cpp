#include <cstdint>

#include "broken/batch_attention.hpp"
#include "broken/make_batch_variants.hpp"

namespace flashcore::broken {
namespace {

template <BatchBreak kBreak>
int launch(const AttentionArgs& args, void*) {
  static unsigned launches = 0;
  ++launches;
  const std::int64_t rows = batch_row_count(args);
#pragma omp parallel for
  for (std::int64_t row = 0; row < rows; ++row)
    RowAttention<kBreak, kernels::Fp16>(args, batch_row(args, row), launches).run();
  return 0;
}

}  // namespace

const std::vector<Variant>& cpu_batch_kernels() {
  static const std::vector<Variant> variants =
      make_batch_variants(Backend::cpu, [](auto which) { return &launch<decltype(which)::value>; });
  return variants;
}

}  // namespace flashcore::broken
