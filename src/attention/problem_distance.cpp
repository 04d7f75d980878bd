#include <cmath>

#include "attention/problem_fields.hpp"

namespace flashcore {
namespace {

enum class MaskShape : int { full, causal, window, other };

MaskShape shape_of(const Mask& mask) {
  if (mask.kind != MaskKind::window) return MaskShape::other;
  if (mask.hides_nothing()) return MaskShape::full;
  return mask.left < 0 && mask.right == 0 ? MaskShape::causal : MaskShape::window;
}

double log2_ratio(std::int64_t x, std::int64_t y) {
  return std::abs(std::log2(static_cast<double>(x) / static_cast<double>(y)));
}

}  // namespace

std::optional<Distance> distance(const Problem& a, const Problem& b) {
  if (shape_of(mask_of(a)) != shape_of(mask_of(b))) return std::nullopt;
  if (a.lengths.has_value() != b.lengths.has_value() || a.kv.layout != b.kv.layout) return std::nullopt;
  Distance distance;
  for (const ProblemField& field : problem_fields()) {
    if (is_equal(field, a, b)) continue;
    if (field.match == Match::required) return std::nullopt;
    if (field.match == Match::preferred) ++distance.mismatches;
  }
  distance.log2_sizes = log2_ratio(a.batch * a.heads_q, b.batch * b.heads_q) + log2_ratio(a.seq_q, b.seq_q) +
                        log2_ratio(a.seq_kv, b.seq_kv) +
                        log2_ratio(a.heads_q / a.heads_kv, b.heads_q / b.heads_kv);
  return distance;
}

}  // namespace flashcore
