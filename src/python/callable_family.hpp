// A family whose launch is a call of a Python object.
#pragma once

#include <nanobind/nanobind.h>

#include <deque>
#include <string>
#include <unordered_map>

#include "python/tensors.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// `adapter` is a flashcore_bench.kernels.Adapter. The family's methods may be called with or without Python's lock.
//
// A launch that raises an exception throws EnvironmentError with the exception's text and with the status that the
// adapter gives it. KeyboardInterrupt also requests an interrupt of the run.
class CallableFamily final : public Family {
 public:
  explicit CallableFamily(nanobind::object adapter);
  CallableFamily(const CallableFamily&) = delete;
  CallableFamily& operator=(const CallableFamily&) = delete;
  ~CallableFamily() override = default;

  // The variant for problems of this dtype and head_dim. Valid as long as the family.
  const Variant& variant_for(const Problem& problem);

  const char* unsupported(std::size_t variant, const AttentionArgs& args,
                          const DeviceLimits& limits) const override;
  std::size_t workspace_bytes(std::size_t, const AttentionArgs&) const override { return 0; }
  std::size_t plan_bytes(std::size_t variant, const AttentionArgs& args) const override;
  int plan(std::size_t variant, const AttentionArgs& args, void* stream) const override;
  bool plans_on_device(std::size_t) const override { return false; }
  int launch(std::size_t variant, const AttentionArgs& args, void* stream) const override;
  bool collects() const override { return collects_; }
  int collect(std::size_t variant, const AttentionArgs& args, void* stream) const override;
  bool needs_capture() const override { return false; }
  bool knows_resources(std::size_t) const override { return false; }
  int resources(std::size_t, const AttentionArgs&, Resources&) const override { return 0; }
  bool compiles() const override { return true; }
  KernelNotes notes(std::size_t variant, const AttentionArgs& args) const override;
  std::int64_t compilations() const override;
  const char* kernel_name(std::size_t) const override { return nullptr; }

 private:
  struct Bound {
    nanobind::object call;
    nanobind::object collect;  // takes the result of `call`
    std::string problem;       // for Adapter.first(); empty after the first call
  };
  Bound& bind(std::size_t variant, const AttentionArgs& args, void* stream) const;

  nanobind::object adapter_;
  std::string name_;
  std::string summary_;
  std::string framework_;
  Tile tile_;
  Backend backend_ = Backend::cpu;
  Role role_ = Role::plugin;
  int device_ = 0;
  bool collects_ = false;
  bool reads_unused_rows_ = false;
  std::deque<Variant> variants_;
  mutable std::unordered_map<std::string, Bound> bound_;  // by the bytes of the arguments
  mutable std::unordered_map<std::string, bool> plans_;   // whether the kernel plans, by the problem
  mutable nanobind::object result_;                       // of the last launch
  mutable std::string reason_;                            // returned by unsupported()
};

}  // namespace flashcore
