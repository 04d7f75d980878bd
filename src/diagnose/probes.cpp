#include "diagnose/probes.hpp"

#include <algorithm>

namespace flashcore {

std::vector<ProbeEntry> all_probes() {
  std::vector<ProbeEntry> all;
  for (const auto& probes : {output_probes(), score_probes(), softmax_probes(), mask_probes(),
                             sequence_probes(), launch_probes()}) {
    all.insert(all.end(), probes.begin(), probes.end());
  }
  return all;
}

std::string_view question_of(Probe probe) {
  static const std::vector<ProbeEntry> probes = all_probes();
  return std::ranges::find(probes, probe, &ProbeEntry::probe)->question;
}

Finding check_random(const ProbeRunner& runner, Probe probe, const Problem& problem) {
  const ProbeRun run = runner.run(problem, runner.random_inputs(problem));
  if (run.out_right()) return {probe};
  return failure(probe, run.finite() ? Symptom::failed : Symptom::nonfinite, run, run.check.reason);
}

}  // namespace flashcore
