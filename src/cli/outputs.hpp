// The formats of a run, their files, and the sinks that write them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "config/plan.hpp"
#include "device/device.hpp"
#include "render/formats.hpp"
#include "render/progress.hpp"
#include "run/sink.hpp"

namespace flashcore {

struct ReportTarget {
  std::string path;  // without extension; empty when the plan names none
  std::vector<const OutputFormat*> formats;
};

// Throws UsageError with the flag or JSON pointer of a format that cannot show a run.
ReportTarget report_target(const Plan& plan);

// To be opened before the run starts, so that a path that cannot be written costs no time.
struct Outputs {
  std::vector<std::unique_ptr<Sink>> sinks;
  std::vector<std::string> files;

  std::vector<Sink*> pointers() const;
};

// The file of --output. Throws UsageError also if the system refuses it.
OutputFile open_output(const OutputTarget& target, FileKind kind, std::string_view initial = "");

// Without a path, the device's folder and the time make the name, and a number if another run has it. `progress` is
// erased before anything is printed.
Outputs open_outputs(const ReportTarget& target, const Plan& plan, const DeviceInfo& device,
                     const Session& session, ProgressLine& progress);

}  // namespace flashcore
