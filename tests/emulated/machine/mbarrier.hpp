// mbarrier objects (PTX ISA, "Parallel synchronization: mbarrier"). They are stored in their eight bytes of
// shared memory, so that a write over one of them breaks it.
#pragma once

#include <cstdint>

namespace flashcore::emulated {

class SharedMemory;

void mbarrier_init(std::uint32_t address, std::uint32_t arrivals);
// mbarrier.arrive.expect_tx: one arrival, which announces `bytes`; a plain arrival with 0. The address may
// belong to shared::cluster.
void mbarrier_arrive(std::uint32_t address, std::uint32_t bytes);
// Counts bytes of a bulk copy that have arrived.
void mbarrier_complete_bytes(const SharedMemory& memory, std::uint32_t offset, std::uint32_t bytes);
// mbarrier.try_wait.parity until it is true, that is, until the phase of this parity has completed.
void mbarrier_wait(std::uint32_t address, std::uint32_t parity);

}  // namespace flashcore::emulated
