// The sizes and the memory of a tile of the broken kernels, and where the tiles of a problem are.
#pragma once

#include <cstdint>

#include "attention/args.hpp"
#include "kernels/common/host_device.hpp"

namespace flashcore::broken {

inline constexpr int kBlockQ = 32;
inline constexpr int kBlockKv = 32;
inline constexpr int kHeadDim = 64;
inline constexpr int kStages = 3;
inline constexpr int kWorkspaceBytes = 1024;

struct Workspace {
  float q[kBlockQ][kHeadDim];
  float k[kStages][kBlockKv * kHeadDim];
  float v[kStages][kBlockKv * kHeadDim];
  float p[kBlockQ][kBlockKv];  // scores, then probabilities
  float out[kBlockQ][kHeadDim];
  float row_max[kBlockQ];
  float row_sum[kBlockQ];
};

struct TilePosition {
  int batch, head, row_begin;
};

// Where the tile with this index is, of all the tiles of a problem.
FLASHCORE_HOST_DEVICE inline TilePosition tile_position(const AttentionArgs& args, std::int64_t index) {
  const int tiles = (args.sequences.seq_q + kBlockQ - 1) / kBlockQ;
  const std::int64_t head = index / tiles;
  return {static_cast<int>(head / args.heads_q), static_cast<int>(head % args.heads_q),
          static_cast<int>(index % tiles) * kBlockQ};
}

FLASHCORE_HOST_DEVICE inline std::int64_t tile_count(const AttentionArgs& args) {
  return std::int64_t{args.sequences.batch} * args.heads_q * ((args.sequences.seq_q + kBlockQ - 1) / kBlockQ);
}

}  // namespace flashcore::broken
