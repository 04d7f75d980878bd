// The spec of a variant: its dtype, head_dim and tile. Variants of one family differ in their specs.
//
// VariantSpec is a structural type, so it can be a template argument as well as a lookup key, a JSON object
// and a filter. It has no family name, because text in a template argument would go into every mangled kernel
// name.
#pragma once

#include <string>
#include <string_view>

#include "attention/dtype.hpp"

namespace flashcore {

// The tile parameters of a kernel. 0 means that the family has no such parameter; ids omit it.
struct Tile {
  int block_q = 0;     // query rows per thread block
  int block_kv = 0;    // keys per iteration of the main loop
  int num_warps = 0;   // warps per thread block
  int num_stages = 0;  // pipeline stages: buffers for K and V
  int overlap = 0;     // 1: Q·Kᵀ of the next iteration is issued before the softmax of this one
  int ping_pong = 0;   // 1: warpgroups alternate on the tensor cores
  int schedule = 0;    // 0: one tile per block; 1: persistent, static order; 2: persistent, atomic counter;
                       // 3: persistent, tasks of a plan
  int cluster = 0;     // blocks per cluster; they share K and V by multicast or split the keys of a tile
  int kv_step = 0;     // keys per step of a warp, if fewer than its share of block_kv
  int q_in_regs = 0;   // 1: Q stays in registers and is not read from shared memory again
  int kv_split_warps = 0;   // groups of warps that split the keys of one iteration
  int kv_split_blocks = 0;  // blocks that split the keys of a query tile; a second pass merges their results
  int pack_gqa = 0;         // 1: one tile holds query rows of all heads of a KV head
  int ragged = 0;           // 1: the lengths of each sequence are read on the device
  int paged = 0;            // 1: K and V are read through a table of pages; 2: row by row, for small pages
  int kv_bits = 0;          // of an element of K and V, if not those of Q; 8: e4m3
  constexpr bool operator==(const Tile&) const = default;
};

struct VariantSpec {
  Dtype dtype = Dtype::fp16;
  int head_dim = 0;
  Tile tile;
  constexpr bool operator==(const VariantSpec&) const = default;
};

template <class Record>
using IntMember = int Record::*;

// One numeric field of a spec: its name in JSON and filters, its prefix in ids, and its member.
struct SpecField {
  std::string_view name;
  std::string_view id_prefix;
  IntMember<VariantSpec> of_spec = nullptr;
  IntMember<Tile> of_tile = nullptr;  // used if of_spec is null

  constexpr int get(const VariantSpec& spec) const {
    if (of_spec != nullptr) return spec.*of_spec;
    return spec.tile.*of_tile;
  }
  constexpr void set(VariantSpec& spec, int value) const {
    if (of_spec != nullptr) {
      spec.*of_spec = value;
    } else {
      spec.tile.*of_tile = value;
    }
  }
};

// The only list of numeric fields; ids, JSON records and filters are derived from it.
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
    {"ragged", "rg", nullptr, &Tile::ragged},
    {"paged", "pt", nullptr, &Tile::paged},
    {"kv_bits", "kvb", nullptr, &Tile::kv_bits},
};

// The id of a variant, for example "wmma/fp16_d64_q32_kv32_w4_s1".
std::string variant_id(std::string_view family, const VariantSpec& spec);

}  // namespace flashcore
