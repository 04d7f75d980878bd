// A variant is one kernel of a family with a fixed dtype, head_dim and tile. A Family launches its kernels
// and answers questions about them.
//
// A Variant does not need its Family: the main program lists, selects and reports variants that only a worker
// can run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "attention/args.hpp"
#include "base/words.hpp"
#include "variant/spec.hpp"

namespace flashcore {

enum class Backend : int { cpu, cuda };
inline constexpr std::string_view kBackendWords[] = {"cpu", "cuda"};
constexpr Words words(Backend) { return kBackendWords; }

// "the CPU" or "a CUDA device", for sentences such as "runs on the CPU".
constexpr std::string_view device_phrase(Backend backend) {
  return backend == Backend::cpu ? "the CPU" : "a CUDA device";
}

// The origin of a family's kernels.
//   ladder  this project
//   peer    another project; for comparison only, never chosen by default
//   plugin  the user, loaded at run time
enum class Role : int { ladder, peer, plugin };
inline constexpr std::string_view kRoleWords[] = {"ladder", "peer", "plugin"};
constexpr Words words(Role) { return kRoleWords; }

// The properties of a device that decide whether a kernel can run on it.
struct DeviceLimits {
  int compute_capability = 0;        // 10 · major + minor; 0 on the CPU
  int max_smem_bytes_per_block = 0;  // the opt-in limit of CUDA
  int num_sms = 0;                   // streaming multiprocessors, or CPU cores
};

// The device resources of a variant. All zero on the CPU.
struct Resources {
  int registers = 0;           // per thread
  int static_smem_bytes = 0;   // per block
  int dynamic_smem_bytes = 0;  // per block
  int spill_bytes = 0;         // local memory per thread
  int threads = 0;             // per block
  int blocks_per_sm = 0;
  double occupancy = 0;  // resident warps / maximum of resident warps, per SM
  std::int64_t grid_blocks = 0;
  double waves = 0;  // grid_blocks / (blocks_per_sm · num_sms)
};

// What a family knows of its launches of a problem. Records have it.
struct KernelNotes {
  std::optional<double> compile_s;  // seconds of the first launch, in which a kernel is compiled and tuned
  std::map<std::string, std::string> choices;  // what tuning chose, by the name of the tuned function
  std::string
      in_process;  // why a Python kernel ran in the process of its caller; empty if it ran in a worker
};

// The kernels of a family; `variant` is an index into them. Functions that return int return 0 or an error
// code: a cudaError_t on CUDA, an errno value on the CPU.
class Family {
 public:
  virtual ~Family() = default;

  // The reason why the variant cannot run these arguments on this device, or null if it can. A null tensor
  // pointer counts as aligned.
  virtual const char* unsupported(std::size_t variant, const AttentionArgs& args,
                                  const DeviceLimits& limits) const = 0;
  // The size of args.workspace that launch() needs.
  virtual std::size_t workspace_bytes(std::size_t variant, const AttentionArgs& args) const = 0;
  // CUDA: enqueues on `stream`. CPU: computes before it returns and ignores `stream`.
  virtual int launch(std::size_t variant, const AttentionArgs& args, void* stream) const = 0;
  // A plan is what launches with the same sizes and lengths share. Its size depends on sizes only, not on lengths; 0: no
  // plan. plan() writes args.plan and reads no tensors or tables. Returns like launch().
  virtual std::size_t plan_bytes(std::size_t /*variant*/, const AttentionArgs& /*args*/) const { return 0; }
  virtual int plan(std::size_t /*variant*/, const AttentionArgs& /*args*/, void* /*stream*/) const {
    return 0;
  }
  // False if plan() may wait for its stream, so that a graph cannot capture it.
  virtual bool plans_on_device(std::size_t /*variant*/) const { return true; }
  // True if launch() may leave its output elsewhere. Then collect() brings the output of the last launch to args.out.
  // Executors call it after launches whose output they check, outside of the time that they measure.
  virtual bool collects() const { return false; }
  virtual int collect(std::size_t /*variant*/, const AttentionArgs& /*args*/, void* /*stream*/) const {
    return 0;
  }
  // False: if a CUDA graph cannot capture the launches, executors time direct calls instead.
  virtual bool needs_capture() const { return true; }
  // False if resources() cannot be called, as on the CPU.
  virtual bool knows_resources(std::size_t variant) const = 0;
  virtual int resources(std::size_t variant, const AttentionArgs& args, Resources& resources) const = 0;
  // True if the family compiles and tunes its kernels at run time. notes() and compilations() then tell of it.
  virtual bool compiles() const { return false; }
  virtual KernelNotes notes(std::size_t /*variant*/, const AttentionArgs& /*args*/) const { return {}; }
  // A number that changes whenever something is compiled or tuned in this process.
  virtual std::int64_t compilations() const { return 0; }
  // The mangled name of the kernel in this program's fat binary; null if the kernel is not in it.
  virtual const char* kernel_name(std::size_t variant) const = 0;
  // For kernels of a library that chooses its code: a text that determines which code a launch of these arguments runs.
  // Equal texts mean equal code. Empty if that is not known.
  virtual std::string code_text(std::size_t /*variant*/, const AttentionArgs& /*args*/) const { return ""; }
  // The hash of the file that a plug-in's kernels come from; empty for other families.
  virtual std::string file_hash() const { return ""; }
};

// Among Variant::problem_fields: the variant writes the log-sum-exp by AttentionArgs::lse_stride and lse_base. This is no
// field of problems, because only callers of the C interface set them.
inline constexpr std::string_view kLseLayout = "lse_layout";

struct Variant {
  std::string_view family;  // null-terminated, like summary
  VariantSpec spec;
  Backend backend = Backend::cpu;
  Role role = Role::ladder;
  std::string_view summary = "";  // the idea of the family in a few words
  int smem_bytes = 0;             // dynamic shared memory per block
  // The fields of Support::opt_in (attention/problem_fields.hpp) that the variant supports, or single values of them as
  // "mask=chunk"; and kLseLayout.
  std::span<const std::string_view> problem_fields = {};
  // The fields of Support::every_family that this variant does not support all the same.
  std::span<const std::string_view> missing_fields = {};
  // It is known to read rows and pages that no sequence uses. A check then gives these finite values in place of NaN, and
  // its record says so. For peers only.
  bool reads_unused_rows = false;
  const Family* kernels = nullptr;  // null: only another process can launch the variant
  std::size_t index = 0;            // in `kernels`

  std::string id() const { return variant_id(family, spec); }

  std::size_t workspace_bytes(const AttentionArgs& args) const {
    return kernels == nullptr ? 0 : kernels->workspace_bytes(index, args);
  }
  int launch(const AttentionArgs& args, void* stream) const { return kernels->launch(index, args, stream); }
  std::size_t plan_bytes(const AttentionArgs& args) const {
    return kernels == nullptr ? 0 : kernels->plan_bytes(index, args);
  }
  int plan(const AttentionArgs& args, void* stream) const { return kernels->plan(index, args, stream); }
  bool plans_on_device() const { return kernels == nullptr || kernels->plans_on_device(index); }
  bool collects() const { return kernels != nullptr && kernels->collects(); }
  int collect(const AttentionArgs& args, void* stream) const { return kernels->collect(index, args, stream); }
  bool needs_capture() const { return kernels == nullptr || kernels->needs_capture(); }
  bool knows_resources() const { return kernels != nullptr && kernels->knows_resources(index); }
  int resources(const AttentionArgs& args, Resources& found) const {
    return kernels->resources(index, args, found);
  }
  bool compiles() const { return kernels != nullptr && kernels->compiles(); }
  KernelNotes notes(const AttentionArgs& args) const { return kernels->notes(index, args); }
  std::int64_t compilations() const { return compiles() ? kernels->compilations() : 0; }
  const char* kernel_name() const { return kernels == nullptr ? nullptr : kernels->kernel_name(index); }
  std::string code_text(const AttentionArgs& args) const {
    return kernels == nullptr ? "" : kernels->code_text(index, args);
  }
  std::string file_hash() const { return kernels == nullptr ? "" : kernels->file_hash(); }
};

}  // namespace flashcore
