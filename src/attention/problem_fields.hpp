// The table of a problem's members. Readers, JSON, CSV, the --problem flag, ids, distances and texts are
// derived from it; a test checks the published schemas against it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "attention/problem.hpp"

namespace flashcore {

using ProblemMember =
    std::variant<std::int64_t Problem::*, std::optional<std::int64_t> Problem::*, double Problem::*,
                 bool Problem::*, Dtype Problem::*, std::optional<Dtype> Problem::*, MaskKind Problem::*,
                 Layout Problem::*, std::optional<Lengths> Problem::*, KvCache Problem::*>;

// How distance() compares a field of two problems. A small distance means that the best variant of one
// problem is probably good for the other.
enum class Match : int {
  ignored,
  nearest,    // adds the ratio of the values to the distance
  preferred,  // a problem with the same value is nearer than every problem with another value
  required,   // problems with different values have no distance
};

// The families that can run problems in which the field is not at its default.
enum class Support : int {
  every_family,
  opt_in,  // the families that list the field (Variant::problem_fields)
};

struct ProblemField {
  std::string_view name;  // in JSON, CSV and flags
  ProblemMember member;
  // The range of a number. An absent optional number is always valid.
  double min = 0;
  double max = 0;
  // The field's part of the problem's id is `id` and the value, or for a bool `id` or `id_false`.
  // A long value is cut and followed by its hash.
  std::string_view id = "";
  std::string_view id_false = "";
  bool always_in_id = false;   // false: only if it is not at its default
  bool required = false;       // readers of records reject its absence
  bool always_written = true;  // into records; false: only if it is not at its default
  bool is_column = true;       // of CSV files
  // Part of ids, sizes and ==. False: the field says nothing about the computation.
  bool is_compared = true;
  Match match = Match::required;
  Support support = Support::every_family;
  std::string_view meaning = "";  // its description in the config schema

  // The words that a member of an enumeration may have; empty for other members.
  std::span<const std::string_view> allowed_words() const;
  bool is_number() const;
};

// All fields but the problem's name, in the order of records.
std::span<const ProblemField> problem_fields();
const ProblemField* find_problem_field(std::string_view name);

// The default of every field. Some depend on the given problem: heads_kv is its heads_q, seq_kv is its seq_q,
// and scale and out_dtype follow from its head_dim and dtype.
Problem defaults_of(const Problem& problem);
bool is_default(const ProblemField& field, const Problem& problem);
bool is_equal(const ProblemField& field, const Problem& a, const Problem& b);

// The id of a problem: "b1_hq8_hkv8_q512_kv512_d64_fp16_causal". Different problems have different ids; the
// name is not part of the id.
std::string problem_id(const Problem& problem);

// A field's part of the id: "hq8", "causal", "full". Not empty even at the field's default.
std::string id_part(const ProblemField& field, const Problem& problem);

// "batch 1, heads 8/2, seq 512, head_dim 64, fp16", followed by the fields that are not at their default. The fields of
// `without` are left out; heads_q stands for both numbers of heads and seq_q for both lengths. Equal only for problems
// that differ in nothing but those fields and the name.
std::string problem_sizes(const Problem& problem, std::span<const std::string_view> without = {});

// The problem as a value of --problem: "batch=1,heads_q=8,…". Fields at their default are omitted.
std::string problem_flag(const Problem& problem);

// The field's value as in --problem and JSON: "8", "true", "bf16". Empty if absent.
std::string value_text(const ProblemField& field, const Problem& problem);

// The distance of two problems, compared by mismatches first.
struct Distance {
  int mismatches = 0;  // fields of Match::preferred that differ
  // The sum of |log2| of four ratios: batch · heads_q, seq_q, seq_kv and heads_q / heads_kv.
  double log2_sizes = 0;

  auto operator<=>(const Distance&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

// Nothing if a field of Match::required differs, or if the shapes of the masks differ (full, causal, window,
// other), or if one
// of them is a ragged batch or has a paged cache and the other does not.
std::optional<Distance> distance(const Problem& a, const Problem& b);

}  // namespace flashcore
