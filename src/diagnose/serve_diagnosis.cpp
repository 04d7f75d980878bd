#include <algorithm>
#include <exception>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "diagnose/child_diagnosis.hpp"
#include "diagnose/child_lines.hpp"
#include "diagnose/finding_json.hpp"
#include "diagnose/probes.hpp"
#include "results/record_json.hpp"
#include "worker/aftermath.hpp"
#include "worker/guard.hpp"
#include "worker/lines.hpp"
#include "worker/protocol.hpp"

namespace flashcore {
namespace {

class DiagnosisServer {
 public:
  DiagnosisServer(Lines& lines, const std::function<DiagnosisTask()>& load) : lines_(lines), load_(load) {
    observer_.on_call = [this](const Problem& problem) { send({{kCallKey, to_json(problem)}}); };
    observer_.on_return = [this] { send({{kReturnKey, true}}); };
  }

  void answer(std::string_view line) {
    try {
      const JsonDocument document(line, "request");
      const JsonReader request(document);
      id_ = require_field(request, kIdKey).string();
      send(request.has(kLoadKey) ? load() : ask(request));
    } catch (const Error& error) {
      send({{kErrorKey, error.what()}, {kCodeKey, static_cast<int>(error.code())}});
    } catch (const std::exception& error) {
      send({{kErrorKey, error.what()}, {kCodeKey, static_cast<int>(ExitCode::environment)}});
    }
  }

 private:
  void send(Json line) {
    line[kIdKey] = id_;
    lines_.put(to_line(line));
  }

  Json load() {
    task_ = load_();
    launcher_ = std::make_unique<Launcher>(open_launcher(task_.device));
    runner_ = std::make_unique<ProbeRunner>(*launcher_, *task_.variant, task_.problem, task_.seed, notes_,
                                            observer_);
    send({{kDeviceKey, launcher_->info().name}});
    require_support(*runner_);
    return {{kLoadKey, true}};
  }

  Json ask(const JsonReader& request) {
    const auto probe = decode<Probe>(require_field(request, kProbeKey));
    notes_ = launch_notes_from_json(require_field(request, kNotesKey));
    if (runner_ == nullptr) request[kProbeKey].fail("needs a variant, which \"load\" loads");
    const std::vector<ProbeEntry> probes = all_probes();
    const Finding finding =
        after(ask_probe(*std::ranges::find(probes, probe, &ProbeEntry::probe), *runner_, notes_));
    return {{kFindingKey, to_json(finding)}, {kNotesKey, to_json(notes_)}};
  }

  // The same finding, unless the kernel has left processes behind, or work that goes on or fails on the device.
  Finding after(Finding finding) {
    if (!Aftermath::is_needed(*task_.variant)) return finding;
    try {
      observer_.on_call(finding.problem.value_or(task_.problem));
      launcher_->device().wait_for_all_streams();
      observer_.on_return();
      aftermath_.clear();
      return finding;
    } catch (const EnvironmentError& error) {
      return {.probe = finding.probe,
              .symptom = Symptom::crashed,
              .detail = error.what(),
              .problem = finding.problem};
    }
  }

  Lines& lines_;
  const std::function<DiagnosisTask()>& load_;
  std::string id_;  // of the current request
  DiagnosisTask task_;
  DiagnosisObserver observer_;
  Aftermath aftermath_;
  LaunchNotes notes_;
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<ProbeRunner> runner_;
};

}  // namespace

void serve_diagnosis(const std::function<DiagnosisTask()>& load) {
  go_on_under_guard();
  Lines lines;
  DiagnosisServer server(lines, load);
  while (const auto line = lines.next()) server.answer(*line);
}

}  // namespace flashcore
