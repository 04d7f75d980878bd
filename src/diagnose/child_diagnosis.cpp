#include "diagnose/child_diagnosis.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "diagnose/child_lines.hpp"
#include "diagnose/finding_json.hpp"
#include "diagnose/probes.hpp"
#include "results/record_json.hpp"
#include "worker/child_process.hpp"
#include "worker/protocol.hpp"
#include "worker/worker_link.hpp"

namespace flashcore {
namespace {

constexpr std::chrono::milliseconds kExitWait{2000};
// A kernel that fails in every probe costs at most this many time limits.
constexpr int kMaxCrashes = 3;

// The end of a child, and how.
struct ChildDied {
  std::string how;            // "was killed by SIGSEGV (Segmentation fault)"
  bool took_longest = false;  // it used up the time of the program's own work
};

// One child, from its start to its end.
class ProbeChild {
 public:
  explicit ProbeChild(const DiagnosisChild& child)
      : process_(child.program, child.arguments),
        timeout_s_(child.timeout_s),
        timeout_flag_(child.timeout_flag) {}

  // The answer to a request. Throws ChildDied, and the Error that the child sends.
  JsonDocument ask(Json request) {
    id_ = random_id();
    request[kIdKey] = id_;
    in_call_ = false;
    process_.send(to_line(request), deadline());
    for (;;) {
      JsonDocument line = receive();
      const JsonReader reader(line);
      if (const auto problem = find_field(reader, kCallKey)) {
        called_ = problem_from_json(*problem);
        in_call_ = true;
      } else if (reader.has(kReturnKey)) {
        in_call_ = false;
      } else if (const auto device = find_field(reader, kDeviceKey)) {
        device_ = device->string();
      } else if (const auto error = find_field(reader, kErrorKey)) {
        const auto code = static_cast<ExitCode>(decode<int>(require_field(reader, kCodeKey)));
        if (code == ExitCode::environment) throw EnvironmentError(error->string());
        throw Error(code, error->string());
      } else {
        return line;
      }
    }
  }

  // The last problem that the kernel's code was called with.
  const std::optional<Problem>& called() const { return called_; }
  bool in_call() const { return in_call_; }
  const std::string& device() const { return device_; }
  std::string last_error_line() const { return process_.last_error_line(); }

 private:
  // The program's own work, mainly the reference, may take longer than a call of the kernel's code.
  ChildProcess::Clock::time_point deadline() const {
    const std::chrono::duration<double> limit(in_call_ ? timeout_s_ : WorkerLink::kSetupFactor * timeout_s_);
    return ChildProcess::Clock::now() + std::chrono::duration_cast<ChildProcess::Clock::duration>(limit);
  }

  JsonDocument receive() {
    using Kind = ChildProcess::Received::Kind;
    const auto received = process_.receive(deadline());
    if (received.kind == Kind::closed) throw ChildDied{process_.end(kExitWait)};
    if (received.kind == Kind::deadline) {
      process_.kill();
      (void)process_.end(kExitWait);
      const double limit_s = in_call_ ? timeout_s_ : WorkerLink::kSetupFactor * timeout_s_;
      throw ChildDied{fmt::format("did not return within {:g} s ({})", limit_s, timeout_flag_), !in_call_};
    }
    std::optional<JsonDocument> line;
    try {
      line.emplace(received.line, "diagnosis");
      const auto id = find_field(JsonReader(*line), kIdKey);
      if (id && id->string() == id_) return std::move(*line);
    } catch (const UsageError&) {
    }
    process_.kill();
    (void)process_.end(kExitWait);
    throw ChildDied{"was ended, because it sent a line that answers no request"};
  }

  ChildProcess process_;
  double timeout_s_;
  std::string timeout_flag_;
  std::string id_;
  std::string device_;
  std::optional<Problem> called_;
  bool in_call_ = false;
};

// Asks children for the findings of all probes.
class Receiver {
 public:
  Receiver(const DiagnosisChild& child, const Variant& variant, const Problem& problem)
      : options_(child), diagnosis_(make_diagnosis(variant, problem, "")) {}

  Diagnosis receive(const std::function<void(Probe)>& on_probe) {
    for (const ProbeEntry& entry : all_probes()) {
      on_probe(entry.probe);
      diagnosis_.findings.push_back(finding_of(entry.probe));
      if (diagnosis_.findings.back().symptom != Symptom::crashed) continue;
      child_.reset();  // its device or its memory may be unusable
      ++crashes_;
      if (crashes_ == kMaxCrashes || took_longest_) {
        skip_reason_ = fmt::format("not asked: the kernel has failed in {} process{}", crashes_,
                                   crashes_ == 1 ? "" : "es");
      }
    }
    diagnosis_.suspected = suspected_faults(diagnosis_.findings);
    return std::move(diagnosis_);
  }

 private:
  Finding finding_of(Probe probe) {
    if (skip_reason_.empty() && child_ == nullptr) start(probe);
    if (child_ == nullptr && dead_at_start_) return *std::exchange(dead_at_start_, std::nullopt);
    if (!skip_reason_.empty()) return {.probe = probe, .symptom = Symptom::skipped, .detail = skip_reason_};
    try {
      const JsonDocument answer = child_->ask({{kProbeKey, to_string(probe)}, {kNotesKey, to_json(notes_)}});
      Finding finding = finding_from_json(require_field(JsonReader(answer), kFindingKey));
      notes_ = launch_notes_from_json(require_field(JsonReader(answer), kNotesKey));
      finding.probe = probe;
      return finding;
    } catch (const ChildDied& death) {
      took_longest_ = death.took_longest;
      return crash(probe, death);
    } catch (const UsageError&) {
      return crash(probe, {"was ended, because its answer is none"});
    } catch (const EnvironmentError& error) {
      if (diagnosis_.findings.empty()) throw;  // the asked problem itself does not fit
      return {.probe = probe, .symptom = Symptom::crashed, .detail = error.what()};
    }
  }

  // Only the first child's failure to start is an error: a kernel may leave a device that no process can open.
  void start(Probe probe) {
    try {
      child_ = std::make_unique<ProbeChild>(options_);
      child_->ask({{kLoadKey, true}});
      diagnosis_.device = child_->device();
    } catch (const ChildDied& death) {
      diagnosis_.device = child_->device();
      if (child_->called()) {
        dead_at_start_ = crash(probe, death);
      } else {
        skip(fmt::format("diagnose: the process that runs the variant {}", death.how));
      }
      child_.reset();
    } catch (const Error& error) {
      if (crashes_ == 0) throw;
      skip(error.what());
    }
  }

  void skip(const std::string& reason) {
    if (crashes_ == 0) throw EnvironmentError(reason);
    child_.reset();
    skip_reason_ = fmt::format("not asked: {}", reason);
  }

  // If the process dies after the call has returned, the kernel has most likely corrupted its memory.
  Finding crash(Probe probe, const ChildDied& death) const {
    const std::string line = child_->last_error_line();
    const std::optional<Problem>& called = child_->called();
    return {.probe = probe,
            .symptom = Symptom::crashed,
            .detail = fmt::format("{} ({}): the process that ran it {}{}{}{}", to_string(probe),
                                  describe_lengths(called.value_or(diagnosis_.problem)), death.how,
                                  child_->in_call() ? "" : " after it had returned",
                                  line.empty() ? "" : "; its last line: ", line),
            .problem = called};
  }

  const DiagnosisChild& options_;
  Diagnosis diagnosis_;
  LaunchNotes notes_;
  std::unique_ptr<ProbeChild> child_;
  std::optional<Finding> dead_at_start_;
  int crashes_ = 0;
  bool took_longest_ = false;  // the last child that died; the next one would take as long
  std::string skip_reason_;    // why the remaining probes are not asked
};

}  // namespace

Diagnosis receive_diagnosis(const DiagnosisChild& child, const Variant& variant, const Problem& problem,
                            const std::function<void(Probe)>& on_probe) {
  return Receiver(child, variant, problem).receive(on_probe);
}

}  // namespace flashcore
