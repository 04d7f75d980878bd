// From result files to verdicts: the one way that every command takes.
#pragma once

#include <optional>
#include <span>

#include "compare/comparison.hpp"
#include "compare/match.hpp"
#include "compare/noise.hpp"
#include "compare/policy.hpp"
#include "results/result_file.hpp"

namespace flashcore {

// Each file is a run. A card at its power limit reports a throttle reason even when it gives up one step of its
// clock: samples count as throttled only where the clock was more than kClockDifference below the card's highest.
Runs runs_of(std::span<const ResultFile> files);

// The noise that the policy states, else the one that was measured on the file's device. Throws UsageError when
// policy.noise_file is another device's.
std::optional<NoiseModel> find_noise(const ResultFile& file, const ComparePolicy& policy);

// Neither side is empty. Throws UsageError as find_noise does.
Comparison compare_files(std::span<const ResultFile> base, std::span<const ResultFile> next,
                         const ComparePolicy& policy);

}  // namespace flashcore
