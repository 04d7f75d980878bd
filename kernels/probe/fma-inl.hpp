// Compiled once per instruction set, so it has no include guard.
#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace flashcore::kernels::probe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Runs `steps` FMA steps in chains that do not wait for each other, and adds the number of operations to `operations`.
// Returns a value that depends on all of them.
HWY_ATTR inline float multiply_add(std::size_t steps, double& operations) {
  constexpr std::size_t kChains = 10;  // latency of 4 or 5 cycles, two units
  const hn::ScalableTag<float> tag;
  const auto factor = hn::Set(tag, 0.999f);
  const auto term = hn::Set(tag, 0.001f);
  auto a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term;
  for (std::size_t step = 0; step < steps; ++step) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    d = hn::MulAdd(d, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
  }
  operations += 2.0 * static_cast<double>(kChains * steps * hn::Lanes(tag));
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)),
                           hn::Add(hn::Add(hn::Add(e, f), hn::Add(g, h)), hn::Add(i, j)));
  return hn::GetLane(hn::SumOfLanes(tag, sum));
}

}  // namespace flashcore::kernels::probe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
