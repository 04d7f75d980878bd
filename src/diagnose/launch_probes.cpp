// Probes that report further errors of the launches of all other probes: changed inputs, writes past the
// workspace, a wrong log-sum-exp. They launch nothing themselves.
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

Finding report(Probe probe, Symptom symptom, const std::optional<LaunchNote>& note) {
  if (!note) return {probe};
  return {.probe = probe, .symptom = symptom, .detail = note->detail, .problem = note->problem};
}

Finding ask_inputs_kept(const ProbeRunner& runner) {
  return report(Probe::inputs_kept, Symptom::failed, runner.notes().inputs_changed);
}

Finding ask_workspace_kept(const ProbeRunner& runner) {
  return report(Probe::workspace_kept, Symptom::failed, runner.notes().workspace_overrun);
}

Finding ask_lse_anywhere(const ProbeRunner& runner) {
  return report(Probe::lse_anywhere, Symptom::lse_alone, runner.notes().lse_wrong);
}

}  // namespace

std::span<const ProbeEntry> launch_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::inputs_kept, "Have all launches left Q, K and V as they were?", ask_inputs_kept},
      {Probe::workspace_kept, "Have all launches stayed within the workspace?", ask_workspace_kept},
      {Probe::lse_anywhere, "Was the log-sum-exp right in all probes whose answer was?", ask_lse_anywhere},
  };
  return kProbes;
}

}  // namespace flashcore
