#include "emulated/machine/mbarrier.hpp"

#include <cstring>

#include "emulated/machine/failure.hpp"
#include "emulated/machine/scheduler.hpp"

namespace flashcore::emulated {
namespace {

constexpr std::uint32_t kBytes = 8;

constexpr std::uint32_t kMaxArrivals = 0x3FFF;  // less than any poison

struct State {
  std::int32_t bytes;          // announced and not yet arrived; below 0 when they arrived first
  std::uint16_t arrivals;      // per phase
  std::uint16_t pending : 14;  // arrivals that are missing
  std::uint16_t phase : 2;     // parity of the phase that has not completed
};
static_assert(sizeof(State) == kBytes);

State read(const unsigned char* memory, std::uint32_t offset) {
  State state;
  std::memcpy(&state, memory, kBytes);
  if (state.arrivals > kMaxArrivals || state.arrivals == 0 || state.pending > state.arrivals) {
    fail("there is no mbarrier at {}", offset - kDynamicSmemBegin);
  }
  return state;
}

void write(unsigned char* memory, State state) {
  if (state.pending == 0 && state.bytes == 0) {
    state.phase ^= 1;
    state.pending = state.arrivals & kMaxArrivals;
  }
  std::memcpy(memory, &state, kBytes);
}

}  // namespace

void mbarrier_init(std::uint32_t address, std::uint32_t arrivals) {
  unsigned char* memory = shared_at(address, kBytes, kBytes, "mbarrier.init");
  if (arrivals == 0 || arrivals > kMaxArrivals) fail("mbarrier.init: {} arrivals", arrivals);
  const State state{.bytes = 0,
                    .arrivals = static_cast<std::uint16_t>(arrivals),
                    .pending = static_cast<std::uint16_t>(arrivals & kMaxArrivals),
                    .phase = 0};
  std::memcpy(memory, &state, kBytes);
}

void mbarrier_arrive(std::uint32_t address, std::uint32_t bytes) {
  unsigned char* memory = shared_cluster_at(address, kBytes, kBytes, "mbarrier.arrive");
  State state = read(memory, offset_of(address));
  if (state.pending == 0) {
    fail("mbarrier at {}: more than {} arrivals in a phase", offset_of(address) - kDynamicSmemBegin,
         state.arrivals);
  }
  state.bytes += static_cast<std::int32_t>(bytes);
  state.pending = (state.pending - 1u) & kMaxArrivals;
  write(memory, state);
}

void mbarrier_complete_bytes(const SharedMemory& memory, std::uint32_t offset, std::uint32_t bytes) {
  unsigned char* barrier = memory.at(offset, kBytes, kBytes, "mbarrier.complete_tx");
  State state = read(barrier, offset);
  state.bytes -= static_cast<std::int32_t>(bytes);
  write(barrier, state);
}

void mbarrier_wait(std::uint32_t address, std::uint32_t parity) {
  const unsigned char* memory = shared_at(address, kBytes, kBytes, "mbarrier.try_wait");
  wait_until([&] { return read(memory, address).phase != parity; },
             [&] {
               const State state = read(memory, address);
               return fmt::format("parity {} of the mbarrier at {}, which lacks {} arrivals and {} bytes",
                                  parity, address - kDynamicSmemBegin, static_cast<unsigned>(state.pending),
                                  state.bytes);
             });
}

}  // namespace flashcore::emulated
