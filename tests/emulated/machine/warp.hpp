// Instructions that the lanes of a warp execute together.
#pragma once

#include <array>
#include <cstdint>

#include "emulated/machine/block.hpp"

namespace flashcore::emulated {

// The operands and results of all lanes.
template <class Lane>
using WarpLanes = std::array<Lane*, kWarpLanes>;

// Called by all lanes, each with its own operands: the last one to arrive performs `work` on the operands of
// all lanes. Throws when lanes meet for different operations.
void meet_in_warp(const char* operation, const void* lane,
                  void (*work)(const std::array<const void*, kWarpLanes>& lanes));

template <class Lane, void (*kWork)(const WarpLanes<Lane>&)>
void warp_operation(const char* operation, Lane& lane) {
  meet_in_warp(operation, &lane, [](const std::array<const void*, kWarpLanes>& lanes) {
    WarpLanes<Lane> typed;
    for (std::size_t i = 0; i < kWarpLanes; ++i) {
      typed[i] = const_cast<Lane*>(static_cast<const Lane*>(lanes[i]));
    }
    kWork(typed);
  });
}

// shfl.sync.bfly and shfl.sync.idx: the bits of lane (own ^ lane_mask), or of lane `source`.
std::uint32_t shuffle_xor_bits(std::uint32_t bits, int lane_mask);
std::uint32_t shuffle_bits(std::uint32_t bits, int source);
// vote.sync.any and vote.sync.ballot.
bool vote_any(bool predicate);
std::uint32_t vote_ballot(bool predicate);
// bar.warp.sync.
void warp_sync();

}  // namespace flashcore::emulated
