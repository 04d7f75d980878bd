#include "emulated/machine/warp.hpp"

#include <algorithm>
#include <string_view>

#include "emulated/machine/failure.hpp"
#include "emulated/machine/scheduler.hpp"

namespace flashcore::emulated {
namespace {

struct ShuffleLane {
  std::uint32_t bits;
  int source;
  std::uint32_t result = 0;
};

void shuffle(const WarpLanes<ShuffleLane>& lanes) {
  for (ShuffleLane* lane : lanes) lane->result = lanes[static_cast<std::size_t>(lane->source)]->bits;
}

struct VoteLane {
  bool predicate;
  std::uint32_t ballot = 0;  // bit i: the predicate of lane i
};

void vote(const WarpLanes<VoteLane>& lanes) {
  std::uint32_t ballot = 0;
  for (std::size_t i = 0; i < lanes.size(); ++i) ballot |= std::uint32_t{lanes[i]->predicate} << i;
  for (VoteLane* lane : lanes) lane->ballot = ballot;
}

struct EmptyLane {};

void nothing(const WarpLanes<EmptyLane>&) {}

}  // namespace

void meet_in_warp(const char* operation, const void* lane,
                  void (*work)(const std::array<const void*, kWarpLanes>& lanes)) {
  const Thread& thread = current_thread();
  Warp& warp = thread.warp();
  if (warp.arrived == 0) warp.operation = operation;
  if (std::string_view(warp.operation) != operation) {
    fail("thread {} is at {} while other lanes of its warp are at {}", thread.index, operation,
         warp.operation);
  }
  warp.lanes[static_cast<std::size_t>(thread.lane())] = lane;
  const unsigned meeting = warp.meetings;
  if (++warp.arrived == kWarpLanes) {
    warp.arrived = 0;
    ++warp.meetings;
    work(warp.lanes);
    return;
  }
  wait_until([&] { return warp.meetings != meeting; },
             [&] { return fmt::format("the other lanes at {}", operation); });
}

std::uint32_t shuffle_xor_bits(std::uint32_t bits, int lane_mask) {
  ShuffleLane lane{.bits = bits, .source = current_thread().lane() ^ lane_mask};
  warp_operation<ShuffleLane, shuffle>("shfl.sync.bfly", lane);
  return lane.result;
}

std::uint32_t shuffle_bits(std::uint32_t bits, int source) {
  ShuffleLane lane{.bits = bits, .source = source % kWarpLanes};
  warp_operation<ShuffleLane, shuffle>("shfl.sync.idx", lane);
  return lane.result;
}

bool vote_any(bool predicate) {
  VoteLane lane{.predicate = predicate};
  warp_operation<VoteLane, vote>("vote.sync.any", lane);
  return lane.ballot != 0;
}

std::uint32_t vote_ballot(bool predicate) {
  VoteLane lane{.predicate = predicate};
  warp_operation<VoteLane, vote>("vote.sync.ballot", lane);
  return lane.ballot;
}

void warp_sync() {
  EmptyLane lane;
  warp_operation<EmptyLane, nothing>("bar.warp.sync", lane);
}

}  // namespace flashcore::emulated
