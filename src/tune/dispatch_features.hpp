// What of a problem decides which variant is fast, as numbers.
#pragma once

#include <array>
#include <cstddef>

#include "attention/problem.hpp"
#include "variant/spec.hpp"

namespace flashcore {

// Logarithms to base 2, scaled: 1 is the distance at which another variant is often the fastest.
struct DispatchFeatures {
  static constexpr std::size_t kCount = 6;
  std::array<double, kCount> values = {};

  // The sum of the differences.
  double distance_to(const DispatchFeatures& other) const;
};

// FLOPs, the longest keys and queries, the rows of a KV head (queries · heads_q / heads_kv), and how many blocks of 64
// rows a multiprocessor gets, with the query heads of a KV head packed and not. `num_sms` is 0 if it is not known.
DispatchFeatures dispatch_features(const Problem& problem, int num_sms);

// The logarithm of the work of a variant's tiles over the work that the problem needs: rows and keys that pad the tiles,
// and multiprocessors without work in the last wave (wave quantisation, NVIDIA: "Matrix multiplication background user's
// guide"). `slots` is the number of blocks that run at a time, 0 if it is not known.
double tile_overhead(const VariantSpec& spec, const Problem& problem, int slots);

}  // namespace flashcore
