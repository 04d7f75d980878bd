// Applies a plan to a device: selects the variants that can run there and reports errors before any work
// starts.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "config/plan.hpp"
#include "execute/executor.hpp"
#include "run/run.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// Opens the plan's device in a worker process that loads the same plug-ins, or in this process. Throws Error
// if that fails.
std::unique_ptr<Executor> open_executor(const Plan& plan, const std::vector<std::string>& plugins,
                                        bool in_process);

// The plan's variants that are compiled for one of its problems and run on the device's backend; empty if
// "auto" is the plan's only variant. Logs what it leaves out. Throws UsageError if a selector or the baseline
// matches nothing, or if no selected variant can run.
std::vector<const Variant*> runnable_variants(const Plan& plan, const DeviceInfo& device);

// Throws UsageError if a problem needs more memory than the device has free.
void check_memory(const Plan& plan, const Executor& executor);

// Logs a warning if the config was written for another device.
void check_written_for(const Plan& plan, const DeviceInfo& device);

// The text of a dry run: problems with FLOPs and bytes, and variants with the reason if they cannot run.
std::string plan_text(const Plan& plan, const std::vector<const Variant*>& variants,
                      const Executor& executor);

// The same as JSON, with the picks of "auto".
Json plan_json(const Plan& plan, const std::vector<const Variant*>& variants, const Executor& executor,
               std::span<const Pick> picks);

}  // namespace flashcore
