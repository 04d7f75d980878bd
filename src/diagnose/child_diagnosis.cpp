#include "diagnose/child_diagnosis.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "diagnose/finding_json.hpp"
#include "diagnose/probes.hpp"
#include "results/record_json.hpp"
#include "worker/child_process.hpp"
#include "worker/lines.hpp"
#include "worker/protocol.hpp"
#include "worker/worker_link.hpp"

namespace flashcore {
namespace {

constexpr std::chrono::milliseconds kExitWait{2000};

// The keys of a child's lines. Each line is one message.
constexpr const char* kDevice = "device";
constexpr const char* kProbe = "probe";
constexpr const char* kCall = "call";      // before a call of the kernel's code; has the problem
constexpr const char* kReturn = "return";  // after that call
constexpr const char* kFinding = "finding";
constexpr const char* kError = "error";  // also has the exit code
constexpr const char* kEnd = "end";

// Reads the lines of one child.
class Receiver {
 public:
  Receiver(const DiagnosisChild& child, const Variant& variant, const Problem& problem,
           const std::function<void(Probe)>& on_probe)
      : child_(child.program, child.arguments),
        timeout_s_(child.timeout_s),
        timeout_flag_(child.timeout_flag),
        on_probe_(on_probe),
        diagnosis_(make_diagnosis(variant, problem, "")) {}

  Diagnosis receive() {
    while (!ended_) {
      const auto received = child_.receive(deadline());
      if (received.kind == ChildProcess::Received::Kind::line) {
        const JsonDocument document(received.line, "diagnosis");
        take(JsonReader(document));
      } else {
        note_death(received.kind == ChildProcess::Received::Kind::deadline);
      }
    }
    diagnosis_.suspected = suspected_faults(diagnosis_.findings);
    return std::move(diagnosis_);
  }

 private:
  // The program's own work, mainly the reference, may take longer than a call of the kernel's code.
  ChildProcess::Clock::time_point deadline() const {
    const std::chrono::duration<double> limit(in_call_ ? timeout_s_ : WorkerLink::kSetupFactor * timeout_s_);
    return ChildProcess::Clock::now() + std::chrono::duration_cast<ChildProcess::Clock::duration>(limit);
  }

  void take(const JsonReader& line) {
    if (const auto error = find_field(line, kError)) {
      throw Error(static_cast<ExitCode>(decode<int>(require_field(line, "code"))), error->string());
    }
    if (const auto device = find_field(line, kDevice)) diagnosis_.device = device->string();
    if (const auto finding = find_field(line, kFinding)) {
      diagnosis_.findings.push_back(finding_from_json(*finding));
    }
    if (const auto problem = find_field(line, kCall)) called_ = problem_from_json(*problem);
    in_call_ = line.has(kCall) || (in_call_ && !line.has(kReturn));
    ended_ = line.has(kEnd);
    const auto probe = find_field(line, kProbe);
    if (!probe) return;
    probe_ = decode<Probe>(*probe);
    on_probe_(probe_);
  }

  // If the process dies after the call has returned, the kernel has most likely corrupted its memory.
  void note_death(bool silent) {
    if (silent) child_.kill();
    std::string how = child_.end(kExitWait);
    if (silent) how = fmt::format("did not return within {:g} s ({})", timeout_s_, timeout_flag_);
    if (!called_ || (silent && !in_call_)) {
      throw EnvironmentError(fmt::format("diagnose: the process that runs the variant {}", how));
    }
    const std::string line = child_.last_error_line();
    diagnosis_.findings.push_back(
        {.probe = probe_,
         .symptom = Symptom::crashed,
         .detail = fmt::format("{} ({}): the process that ran it {}{}{}{}", to_string(probe_),
                               describe_lengths(*called_), how, in_call_ ? "" : " after it had returned",
                               line.empty() ? "" : "; its last line: ", line),
         .problem = called_});
    ended_ = true;
  }

  ChildProcess child_;
  double timeout_s_;
  std::string timeout_flag_;
  const std::function<void(Probe)>& on_probe_;
  Diagnosis diagnosis_;
  Probe probe_ = all_probes().front().probe;
  std::optional<Problem> called_;  // the last problem that the kernel's code was called with
  bool in_call_ = false;
  bool ended_ = false;
};

}  // namespace

void send_diagnosis(const DeviceRequest& device, const std::function<const Variant&()>& load,
                    const Problem& problem, std::uint64_t seed) {
  Lines lines;
  end_with_parent();
  const auto send = [&](const Json& line) { lines.put(to_line(line)); };
  try {
    const Variant& variant = load();
    const Launcher launcher = open_launcher(device);
    send({{kDevice, launcher.info().name}});
    diagnose(launcher, variant, problem, seed,
             {.on_probe =
                  [&](Probe probe) {
                    send({{kProbe, to_string(probe)}});
                  },
              .on_finding =
                  [&](const Finding& finding) {
                    send({{kFinding, to_json(finding)}});
                  },
              .on_call =
                  [&](const Problem& called) {
                    send({{kCall, to_json(called)}});
                  },
              .on_return =
                  [&] {
                    send({{kReturn, true}});
                  }});
    send({{kEnd, true}});
  } catch (const Error& error) {
    send({{kError, error.what()}, {"code", static_cast<int>(error.code())}});
  } catch (const std::exception& error) {
    send({{kError, error.what()}, {"code", static_cast<int>(ExitCode::environment)}});
  }
}

Diagnosis receive_diagnosis(const DiagnosisChild& child, const Variant& variant, const Problem& problem,
                            const std::function<void(Probe)>& on_probe) {
  return Receiver(child, variant, problem, on_probe).receive();
}

}  // namespace flashcore
