#include <atomic>
#include <memory>

#include "broken/attention.hpp"
#include "broken/kernels.hpp"
#include "broken/make_variants.hpp"

namespace flashcore::broken {
namespace {

// One thread. A race is played, since a real one may go unseen where there is one core: which of the readers
// come too early differs from launch to launch.
struct CpuTeam {
  static inline std::atomic<unsigned> launches = 0;

  int index = 0;
  int count = 1;
  unsigned launch = launches;

  void sync() const {}
  void jitter() const {}
  bool late(int tile) const { return (launch + static_cast<unsigned>(tile)) % 3 == 0; }
};

template <Break kBreak>
int launch(const AttentionArgs& args, void*) {
  ++CpuTeam::launches;
  const auto work = std::make_unique<Workspace>();
  for (std::int64_t tile = 0; tile < tile_count(args); ++tile) {
    TileAttention<kBreak, kernels::Fp16, CpuTeam>(args, tile_position(args, tile), *work, {}).run();
  }
  return 0;
}

}  // namespace

const std::vector<Variant>& cpu_kernels() {
  static const std::vector<Variant> kVariants =
      make_variants(Backend::cpu, [](auto which) { return &launch<decltype(which)::value>; });
  return kVariants;
}

}  // namespace flashcore::broken
