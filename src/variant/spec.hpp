// What distinguishes the variants of a family: dtype, head_dim and tile.
//
// VariantSpec is a structural type, so that one value is template argument, lookup key, JSON object and CLI
// filter. The family stands beside it, as a string: text in a template argument would end up in every mangled
// kernel name.
#pragma once

#include <string>
#include <string_view>

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

// One numeric attribute of a spec: its name in JSON and filters, its letters in the id, and where it stands.
struct SpecField {
  std::string_view name;
  std::string_view id_prefix;
  int VariantSpec::*of_spec = nullptr;
  int Tile::*of_tile = nullptr;  // when it is not of_spec

  constexpr int get(const VariantSpec& spec) const {
    return of_spec != nullptr ? spec.*of_spec : spec.tile.*of_tile;
  }
  constexpr void set(VariantSpec& spec, int value) const {
    (of_spec != nullptr ? spec.*of_spec : spec.tile.*of_tile) = value;
  }
};

// The single list of numeric attributes; ids, JSON records and filters all walk it.
inline constexpr SpecField kSpecFields[] = {
    {"head_dim", "d", &VariantSpec::head_dim},
    {"block_q", "q", nullptr, &Tile::block_q},
    {"block_kv", "kv", nullptr, &Tile::block_kv},
    {"num_warps", "w", nullptr, &Tile::num_warps},
    {"num_stages", "s", nullptr, &Tile::num_stages},
    {"overlap", "ov", nullptr, &Tile::overlap},
    {"ping_pong", "pp", nullptr, &Tile::ping_pong},
    {"schedule", "sch", nullptr, &Tile::schedule},
    {"cluster", "c", nullptr, &Tile::cluster},
    {"kv_step", "ks", nullptr, &Tile::kv_step},
    {"q_in_regs", "qr", nullptr, &Tile::q_in_regs},
    {"kv_split_warps", "kw", nullptr, &Tile::kv_split_warps},
    {"kv_split_blocks", "kb", nullptr, &Tile::kv_split_blocks},
    {"pack_gqa", "pg", nullptr, &Tile::pack_gqa},
};

// The one human name of a variant, for example "wmma/fp16_d64_q32_kv32_w4_s1".
std::string variant_id(std::string_view family, const VariantSpec& spec);

}  // namespace flashcore
