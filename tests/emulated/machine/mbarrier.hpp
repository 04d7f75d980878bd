// mbarrier objects (PTX ISA, "Parallel synchronization: mbarrier"). They live in the eight bytes that they
// have in shared memory: what writes over one breaks it.
#pragma once

#include <cstdint>

namespace flashcore::emulated {

class SharedMemory;

void mbarrier_init(std::uint32_t address, std::uint32_t arrivals);
// mbarrier.arrive.expect_tx: one arrival, which announces `bytes`; a plain arrival with 0. The address is one
// of shared::cluster.
void mbarrier_arrive(std::uint32_t address, std::uint32_t bytes);
// Bytes of a bulk copy have come.
void mbarrier_complete_bytes(const SharedMemory& memory, std::uint32_t offset, std::uint32_t bytes);
// mbarrier.try_wait.parity, until it is true: the phase of this parity has completed.
void mbarrier_wait(std::uint32_t address, std::uint32_t parity);

}  // namespace flashcore::emulated
