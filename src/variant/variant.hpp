// A variant: one kernel template (family) at one dtype, head_dim and tile, compiled in.
//
// VariantSpec is a structural type, so that one value is template argument, lookup key, JSON object and CLI
// filter. The family stands beside it, as a string: text in a template argument would end up in every mangled
// kernel name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "attention/args.hpp"
#include "attention/dtype.hpp"

namespace flashcore {

// The tile of a kernel. 0 means that the family has no such parameter; it is then left out of the id.
struct Tile {
  int block_q = 0;     // query rows a block works on
  int block_kv = 0;    // keys brought in at a time
  int num_warps = 0;   // warps a block
  int num_stages = 0;  // buffers in flight for K and V
  int overlap = 0;     // 1: the next block's Q·Kᵀ is issued before this block's softmax
  int ping_pong = 0;   // 1: warpgroups take turns at the tensor cores
  int schedule = 0;    // 0: one tile a block, 1: persistent blocks, static, 2: persistent blocks, a counter
  int cluster = 0;     // blocks of a cluster: they share K and V by multicast, or split the keys of a tile
  int kv_step = 0;     // keys scored at a time, when fewer than a warp has of a block
  int q_in_regs = 0;   // 1: Q is held in registers, not read from shared memory again
  int kv_split_warps = 0;   // groups of warps that share out the keys of a block
  int kv_split_blocks = 0;  // blocks that share out the keys of a query tile; a second pass merges them
  int pack_gqa = 0;         // 1: the query heads of one KV head fill a tile together
  constexpr bool operator==(const Tile&) const = default;
};

struct VariantSpec {
  Dtype dtype = Dtype::fp16;
  int head_dim = 0;
  Tile tile;
  constexpr bool operator==(const VariantSpec&) const = default;
};

// One numeric attribute of a spec: its name in JSON and filters, and its letter in the id.
struct SpecField {
  std::string_view name;
  std::string_view id_prefix;
  int (*get)(const VariantSpec&);
  void (*set)(VariantSpec&, int);
};

// The single list of numeric attributes; ids, JSON records and filters all walk it.
inline constexpr SpecField kSpecFields[] = {
    {"head_dim", "d", [](const VariantSpec& spec) { return spec.head_dim; },
     [](VariantSpec& spec, int value) { spec.head_dim = value; }},
    {"block_q", "q", [](const VariantSpec& spec) { return spec.tile.block_q; },
     [](VariantSpec& spec, int value) { spec.tile.block_q = value; }},
    {"block_kv", "kv", [](const VariantSpec& spec) { return spec.tile.block_kv; },
     [](VariantSpec& spec, int value) { spec.tile.block_kv = value; }},
    {"num_warps", "w", [](const VariantSpec& spec) { return spec.tile.num_warps; },
     [](VariantSpec& spec, int value) { spec.tile.num_warps = value; }},
    {"num_stages", "s", [](const VariantSpec& spec) { return spec.tile.num_stages; },
     [](VariantSpec& spec, int value) { spec.tile.num_stages = value; }},
    {"overlap", "ov", [](const VariantSpec& spec) { return spec.tile.overlap; },
     [](VariantSpec& spec, int value) { spec.tile.overlap = value; }},
    {"ping_pong", "pp", [](const VariantSpec& spec) { return spec.tile.ping_pong; },
     [](VariantSpec& spec, int value) { spec.tile.ping_pong = value; }},
    {"schedule", "sch", [](const VariantSpec& spec) { return spec.tile.schedule; },
     [](VariantSpec& spec, int value) { spec.tile.schedule = value; }},
    {"cluster", "c", [](const VariantSpec& spec) { return spec.tile.cluster; },
     [](VariantSpec& spec, int value) { spec.tile.cluster = value; }},
    {"kv_step", "ks", [](const VariantSpec& spec) { return spec.tile.kv_step; },
     [](VariantSpec& spec, int value) { spec.tile.kv_step = value; }},
    {"q_in_regs", "qr", [](const VariantSpec& spec) { return spec.tile.q_in_regs; },
     [](VariantSpec& spec, int value) { spec.tile.q_in_regs = value; }},
    {"kv_split_warps", "kw", [](const VariantSpec& spec) { return spec.tile.kv_split_warps; },
     [](VariantSpec& spec, int value) { spec.tile.kv_split_warps = value; }},
    {"kv_split_blocks", "kb", [](const VariantSpec& spec) { return spec.tile.kv_split_blocks; },
     [](VariantSpec& spec, int value) { spec.tile.kv_split_blocks = value; }},
    {"pack_gqa", "pg", [](const VariantSpec& spec) { return spec.tile.pack_gqa; },
     [](VariantSpec& spec, int value) { spec.tile.pack_gqa = value; }},
};

// The one human name of a variant, for example "wmma/fp16_d64_q32_kv32_w4_s1".
std::string variant_id(std::string_view family, const VariantSpec& spec);

enum class Backend : int { cpu, cuda };

constexpr std::string_view to_string(Backend backend) { return backend == Backend::cpu ? "cpu" : "cuda"; }

// What a kernel may ask of the device it would run on.
struct DeviceLimits {
  int compute_capability = 0;        // 10 · major + minor; 0 on the CPU
  int max_smem_bytes_per_block = 0;  // the opt-in limit
  int num_sms = 0;                   // multiprocessors, or CPU cores
};

// What a compiled variant takes from the device. Zeros on the CPU.
struct Resources {
  int registers = 0;           // a thread
  int static_smem_bytes = 0;   // a block
  int dynamic_smem_bytes = 0;  // a block
  int spill_bytes = 0;         // local memory a thread
  int threads = 0;             // a block
  int blocks_per_sm = 0;
  double occupancy = 0;  // resident warps over the most that fit
  std::int64_t grid_blocks = 0;
  double waves = 0;  // grid_blocks / (blocks_per_sm · num_sms)
};

// A variant as the registry holds it. Functions return 0 or the runtime's own error code (cudaError_t for
// CUDA).
struct Variant {
  std::string_view family;
  VariantSpec spec;
  Backend backend = Backend::cpu;
  const char* summary = "";  // the family's idea in a few words
  int smem_bytes = 0;        // dynamic shared memory a block
  // Why this variant cannot run these arguments on this device, or null when it can.
  const char* (*unsupported)(const AttentionArgs&, const DeviceLimits&) = nullptr;
  std::size_t (*workspace_bytes)(const AttentionArgs&) = nullptr;            // null: none needed
  int (*launch)(const AttentionArgs&, void* stream) = nullptr;               // asynchronous on CUDA
  int (*launch_scaled)(const ScaledAttentionArgs&, void* stream) = nullptr;  // of scaled dtypes, instead
  int (*query_resources)(const AttentionArgs&, Resources&) = nullptr;        // null on the CPU
  int (*kernel_name)(const char*& mangled) = nullptr;  // null: no kernel of this program's fat binary

  std::string id() const { return variant_id(family, spec); }
  int run(const ScaledAttentionArgs& args, void* stream) const {
    return traits(spec.dtype).scaled ? launch_scaled(args, stream) : launch(args, stream);
  }
};

}  // namespace flashcore
