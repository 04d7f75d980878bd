#include "execute/launcher.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "check/cpu_check_device.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kPoisonWord = 4;  // bytes

}  // namespace

std::string Launcher::unsupported(const Variant& variant, const Problem& problem) const {
  return unsupported_reason(variant, problem, target_of(info_));
}

AttentionArgs Launcher::args(const Variant& variant, ProblemBuffers& buffers, InputView view) const {
  AttentionArgs args = buffers.args(view);
  args.workspace = buffers.workspace(static_cast<std::int64_t>(variant.workspace_bytes(args)));
  args.plan = plan(variant, args);
  return args;
}

void* Launcher::plan(const Variant& variant, const AttentionArgs& args) const {
  const auto bytes = static_cast<std::int64_t>(variant.plan_bytes(args));
  if (bytes == 0) return nullptr;
  Plan& kept = plans_[&variant];
  if (kept.is_current) return kept.memory.data();
  if (kept.memory.bytes() == 0) {
    kept.memory = device_->allocate((bytes + kPoisonWord - 1) / kPoisonWord * kPoisonWord);
  }
  device_->poison(kept.memory.data(), kept.memory.bytes());
  AttentionArgs planned = args;
  planned.plan = kept.memory.data();
  if (const int code = variant.plan(planned, device_->stream()); code != 0) {
    device_->check_launch(code, fmt::format("the plan of {}", variant.id()));
  }
  kept.is_current = true;
  return kept.memory.data();
}

void Launcher::renew_plans() const {
  for (auto& [variant, plan] : plans_) plan.is_current = false;
}

void Launcher::launch(const Variant& variant, const AttentionArgs& args) const {
  if (const int code = variant.launch(args, device_->stream()); code != 0) {
    device_->check_launch(code, variant.id());
  }
}

void Launcher::collect(const Variant& variant, const AttentionArgs& args) const {
  if (!variant.collects()) return;
  if (const int code = variant.collect(args, device_->stream()); code != 0) {
    device_->check_launch(code, variant.id());
  }
}

void Launcher::run(const Variant& variant, ProblemBuffers& buffers) const {
  forget_plans();
  const AttentionArgs arguments = args(variant, buffers, {});
  launch(variant, arguments);
  collect(variant, arguments);
  device_->wait(fmt::format("running {}", variant.id()));
}

Launcher open_cpu_launcher() { return {cpu_device(), make_cpu_check_device()}; }

#ifndef FLASHCORE_HAVE_CUDA
Launcher open_cuda_launcher(int) { throw EnvironmentError("this program was built without CUDA"); }
#endif

Launcher open_launcher(const DeviceRequest& request) {
  if (request.kind == DeviceRequest::Kind::cpu) return open_cpu_launcher();
  const CudaStatus cuda = cuda_status();
  if (cuda.devices.empty()) throw EnvironmentError("no CUDA device can be used: " + cuda.problem);
  return open_cuda_launcher(request.index);
}

}  // namespace flashcore
