// The members of a problem, described once. Readers, JSON, CSV, the --problem flag, names, identity, distance, the
// words for people and the published schemas are derived from these rows or held to them by a test.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "attention/problem.hpp"
#include "attention/problem_fields.hpp"

namespace flashcore {

using ProblemMember = std::variant<std::int64_t Problem::*, std::optional<std::int64_t> Problem::*,
                                   double Problem::*, bool Problem::*, Dtype Problem::*,
                                   std::optional<Dtype> Problem::*, MaskKind Problem::*, Layout Problem::*>;

// What a difference in the field means for the question whether the best variant of one problem suits another.
enum class Match : int {
  free,   // nothing
  near,   // the nearer the better: part of the distance
  like,   // problems with the same value come before all others
  equal,  // another problem altogether
};

// Who computes problems in which the field is not at its default.
enum class Support : int {
  every_family,
  opt_in,  // families that name the field (FamilyInfo::problem_fields); the others refuse
};

struct ProblemField {
  std::string_view name;  // in JSON, CSV and flags
  ProblemMember member;
  // Of numbers. Absent values of an optional member are not looked at.
  double min = 0;
  double max = 0;
  // In a problem's own name: this, then the value. Words of a bool are `id` and `id_false`.
  std::string_view id = "";
  std::string_view id_false = "";
  bool always_in_id = false;   // also when it is at its default
  bool required = false;       // in records
  bool always_written = true;  // in records; else only when it is not at its default
  bool is_column = true;       // of CSV
  Match match = Match::required;
  Support support = Support::every_family;
  std::string_view meaning = "";  // a sentence of the config schema

  // The dtypes that a Dtype member may have.
  std::span<const std::string_view> allowed_words() const;
  bool is_number() const;
};

// All but the name, in the order in which records have them.
std::span<const ProblemField> problem_fields();
const ProblemField* find_problem_field(std::string_view name);

// The problem with the same dtype and head_dim and all else at its default; heads_kv and seq_kv follow heads_q and
// seq_q.
Problem defaults_of(const Problem& problem);
bool is_default(const ProblemField& field, const Problem& problem);
bool is_equal(const ProblemField& field, const Problem& a, const Problem& b);

// A name made from the values, for problems that were given none: "b1_hq8_hkv8_q512_kv512_d64_fp16_causal". Equal
// for equal problems only.
std::string problem_id(const Problem& problem);

// One field's part of such a name, whatever the value: "hq8", "causal", "full".
std::string id_part(const ProblemField& field, const Problem& problem);

// "batch 1, heads 8/2, seq 512, head_dim 64, fp16", and what differs from a problem's defaults.
std::string problem_sizes(const Problem& problem);

// As --problem takes it: "batch=1,heads_q=8,…", with what differs from the defaults.
std::string problem_flag(const Problem& problem);

// The field's value as --problem and JSON have it: "8", "true", "bf16". Empty for an absent one.
std::string value_text(const ProblemField& field, const Problem& problem);

// How unlike two problems are, as far as the best variant goes.
struct Distance {
  int mismatches = 0;  // fields of Match::preferred that differ
  double log2_sizes =
      0;  // sum of |log2| of the ratios of batch · heads_q, seq_q, seq_kv and heads_q / heads_kv

  auto operator<=>(const Distance&) const = default;
};

// Nothing when a field of Match::required differs, or one mask is causal and the other windowed or none.
std::optional<Distance> distance(const Problem& a, const Problem& b);

}  // namespace flashcore
