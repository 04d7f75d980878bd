// Compares result files. Every command uses these functions.
#pragma once

#include <optional>
#include <vector>

#include "compare/comparison.hpp"
#include "compare/match.hpp"
#include "compare/noise.hpp"
#include "compare/policy.hpp"
#include "results/result_file.hpp"

namespace flashcore {

// Each file is a run. A card at its power limit reports a throttle reason even if its clock is only one step
// lower. Therefore the samples of a timing count as throttled only if their median clock was more than
// kClockDifference below the card's highest clock.
Runs runs_of(std::vector<ResultFile> files);

// The noise of the policy, or else the noise that was measured on the file's device, or nothing. Throws
// UsageError if policy.noise_file is for another device.
std::optional<NoiseModel> find_noise(const ResultFile& file, const ComparePolicy& policy);

// Neither side is empty; moved files are not copied, which halves the memory. Throws UsageError like find_noise().
Comparison compare_files(std::vector<ResultFile> base, std::vector<ResultFile> next,
                         const ComparePolicy& policy);

}  // namespace flashcore
