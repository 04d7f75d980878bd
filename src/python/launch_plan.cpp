#include "python/launch_plan.hpp"

#include <fmt/format.h>

#include <map>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "library/auto_variant.hpp"
#include "library/device_limits.hpp"

namespace flashcore {
namespace {

// The device's table, if there is one, is loaded before the first choice.
void load_table_of(std::int32_t device) {
  static std::map<std::int32_t, bool> loaded;
  if (!loaded.emplace(device, true).second) return;
  const TunedTable table = find_tuned_table(make_fingerprint(device_info(device)));
  if (!table.entries.empty()) load_tuned_table(table.path);
}

Choice choose(const Problem& problem, const AttentionArgs& args, std::int32_t device) {
  load_table_of(device);
  Choice choice = choose_variant(problem, args, device);
  if (choice.variant != nullptr) return choice;
  throw UsageError(fmt::format("no variant can run {} on this device", problem_id(problem)));
}

template <class T>
T* pointer(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr): Python has addresses as numbers
}

}  // namespace

Choice chosen_variant(const Problem& problem, std::int32_t device) {
  return choose(problem, attention_args(problem), device);
}

LaunchPlan::LaunchPlan(const Problem& problem, const TensorStrides& strides, std::int32_t device)
    : variant_(nullptr), args_(attention_args(problem)), device_(device) {
  args_.q_stride = strides.q;
  args_.kv = {.k = strides.k, .v = strides.v};
  args_.out_stride = strides.out;
  const Choice choice = choose(problem, args_, device);
  variant_ = choice.variant;
  reason_ = choice.reason;
  if (variant_->plan_bytes(args_) > 0) {
    throw UsageError(
        fmt::format("{} needs a plan, which only callers of the C interface make", variant_->id()));
  }
  workspace_bytes_ = variant_->workspace_bytes(args_);
}

void LaunchPlan::launch(std::uintptr_t q, std::uintptr_t k, std::uintptr_t v, std::uintptr_t out,
                        std::uintptr_t lse, std::uintptr_t workspace, std::uintptr_t stream) const {
  AttentionArgs args = args_;
  args.q = pointer<const void>(q);
  args.k = pointer<const void>(k);
  args.v = pointer<const void>(v);
  args.out = pointer<void>(out);
  args.lse = pointer<float>(lse);
  args.workspace = pointer<void>(workspace);
  if (const int code = variant_->launch(args, pointer<void>(stream)); code != 0) {
    throw_launch_error(code, *variant_, device_);
  }
}

}  // namespace flashcore
