// A plan meets a device: what is left of it there, and what is wrong with it before any work starts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/plan.hpp"
#include "execute/executor.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// The plan's device, held by a worker process that loads the same plug-ins, or by this process. Throws Error
// when the device or the worker cannot be had.
std::unique_ptr<Executor> open_executor(const Plan& plan, const std::vector<std::string>& plugins,
                                        bool in_process);

// The plan's variants that are meant for one of its problems and for the device's backend; the log tells what
// is left out; none when the plan names auto alone. Throws UsageError when a selector or the baseline matches
// nothing, and with the reasons when nothing that was selected can run.
std::vector<const Variant*> runnable_variants(const Plan& plan, const DeviceInfo& device);

// Throws UsageError naming the problem that needs more memory than the device has.
void check_memory(const Plan& plan, const Executor& executor);

// Warns when the config was written for another device.
void check_written_for(const Plan& plan, const DeviceInfo& device);

// Part of a path: "h100-80gb-hbm3" for "NVIDIA H100 80GB HBM3", "cpu" for any processor.
std::string device_folder(const DeviceInfo& device);

// What a run would do: problems with FLOPs and bytes, variants with the reason when they cannot run.
std::string plan_text(const Plan& plan, const std::vector<const Variant*>& variants,
                      const Executor& executor);

}  // namespace flashcore
