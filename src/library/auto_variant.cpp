#include "library/auto_variant.hpp"

#include <map>
#include <mutex>

#include "device/machine_code.hpp"
#include "library/choice_memo.hpp"
#include "library/device_limits.hpp"

namespace flashcore {
namespace {

struct Loaded {
  std::mutex mutex;  // guards the members below
  TunedTable table;
  std::map<std::int32_t, Dispatcher> dispatchers;  // by device; made on demand
};

Loaded& loaded() {
  static Loaded instance;
  return instance;
}

Dispatcher make_dispatcher(const TunedTable& table, std::int32_t device) {
  const DeviceInfo& info = device_info(device);
  MachineCode code;
  if (info.backend == Backend::cuda) code = MachineCode::of_this_program(info.limits.compute_capability);
  const auto code_hash = [&](const Variant& variant) { return code_hash_of(variant, code); };
  return {table, make_fingerprint(info), info.limits, code_hash};
}

}  // namespace

void load_tuned_table(const std::string& path) {
  TunedTable table = read_tuned_table(path);
  Loaded& state = loaded();
  const std::lock_guard lock(state.mutex);
  state.table = std::move(table);
  state.dispatchers.clear();
  ++choice_generation();
}

Choice choose_variant(const Problem& problem, const AttentionArgs& args, std::int32_t device) {
  Loaded& state = loaded();
  const std::lock_guard lock(state.mutex);
  auto found = state.dispatchers.find(device);
  if (found == state.dispatchers.end()) {
    found = state.dispatchers.emplace(device, make_dispatcher(state.table, device)).first;
  }
  return found->second.choose(problem, args);
}

}  // namespace flashcore
