// A variant: one kernel of a family at one dtype, head_dim and tile. A family: how its kernels are asked and launched.
//
// A variant's description stands without its family's code: the main program lists, selects and reports variants
// that only a worker can run.
#pragma once

#include <cstddef>
#include <cstdint>
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

// As a person writes it, after "runs on".
constexpr std::string_view device_phrase(Backend backend) {
  return backend == Backend::cpu ? "the CPU" : "a CUDA device";
}

// Whose kernels a family's are.
//   ladder  this project's
//   peer    somebody else's, for comparison: never chosen by default
//   plugin  the user's own, loaded at run time
enum class Role : int { ladder, peer, plugin };
inline constexpr std::string_view kRoleWords[] = {"ladder", "peer", "plugin"};
constexpr Words words(Role) { return kRoleWords; }

// What a kernel may ask of the device it would run on.
struct DeviceLimits {
  int compute_capability = 0;        // 10 · major + minor; 0 on the CPU
  int max_smem_bytes_per_block = 0;  // the opt-in limit
  int num_sms = 0;                   // multiprocessors, or CPU cores
};

// What a variant takes from the device. Zeros on the CPU.
struct Resources {
  int registers = 0;           // per thread
  int static_smem_bytes = 0;   // per block
  int dynamic_smem_bytes = 0;  // per block
  int spill_bytes = 0;         // local memory per thread
  int threads = 0;             // per block
  int blocks_per_sm = 0;
  double occupancy = 0;  // resident warps over the most that fit
  std::int64_t grid_blocks = 0;
  double waves = 0;  // grid_blocks / (blocks_per_sm · num_sms)
};

// The kernels of a family; `variant` is an index into them. Functions return 0, or the runtime's own error code
// (cudaError_t for CUDA, an errno value on the CPU).
class Family {
 public:
  virtual ~Family() = default;

  // Why the variant cannot run these arguments on this device, or null when it can. Null pointers count as aligned.
  virtual const char* unsupported(std::size_t variant, const AttentionArgs& args,
                                  const DeviceLimits& limits) const = 0;
  // Bytes of args.workspace at launch.
  virtual std::size_t workspace_bytes(std::size_t variant, const AttentionArgs& args) const = 0;
  // Asynchronous on `stream` on CUDA; on the CPU it returns when done and ignores `stream`.
  virtual int launch(std::size_t variant, const AttentionArgs& args, void* stream) const = 0;
  // False where resources() has nothing to say, as on the CPU.
  virtual bool knows_resources(std::size_t variant) const = 0;
  virtual int resources(std::size_t variant, const AttentionArgs& args, Resources& resources) const = 0;
  // The mangled name of the kernel in this program's fat binary; null where it is not there.
  virtual const char* kernel_name(std::size_t variant) const = 0;
};

struct Variant {
  std::string_view family;  // null-terminated, as is summary
  VariantSpec spec;
  Backend backend = Backend::cpu;
  Role role = Role::ladder;
  std::string_view summary = "";  // the family's idea in a few words
  int smem_bytes = 0;             // dynamic shared memory per block
  // Fields of Support::opt_in (attention/problem_fields.hpp) that it computes.
  std::span<const std::string_view> problem_fields = {};
  const Family* kernels = nullptr;  // null: described only, and launched by another process
  std::size_t index = 0;            // in `kernels`

  std::string id() const { return variant_id(family, spec); }

  std::size_t workspace_bytes(const AttentionArgs& args) const {
    return kernels == nullptr ? 0 : kernels->workspace_bytes(index, args);
  }
  int launch(const AttentionArgs& args, void* stream) const { return kernels->launch(index, args, stream); }
  bool knows_resources() const { return kernels != nullptr && kernels->knows_resources(index); }
  int resources(const AttentionArgs& args, Resources& found) const {
    return kernels->resources(index, args, found);
  }
  const char* kernel_name() const { return kernels == nullptr ? nullptr : kernels->kernel_name(index); }
};

}  // namespace flashcore
