#include "config/problem_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <variant>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "config/sequence_reader.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxProblems = 10000;

template <class Enum>
Enum read_enum(const JsonReader& reader, const ProblemField& field) {
  return static_cast<Enum>(reader.word(field.allowed_words()));
}

// Reads one field and checks its range.
void read_field(const ProblemField& field, const JsonReader& reader, Problem& problem) {
  const auto integer = [&] {
    return reader.integer(static_cast<std::int64_t>(field.min), static_cast<std::int64_t>(field.max));
  };
  struct Read {
    const decltype(integer)& whole;
    const ProblemField& field;
    const JsonReader& reader;
    Problem& problem;
    void operator()(std::int64_t Problem::*member) const { problem.*member = whole(); }
    void operator()(std::optional<std::int64_t> Problem::*member) const { problem.*member = whole(); }
    void operator()(double Problem::*member) const { problem.*member = reader.number(field.min, field.max); }
    void operator()(bool Problem::*member) const { problem.*member = reader.boolean(); }
    void operator()(Dtype Problem::*member) const { problem.*member = read_enum<Dtype>(reader, field); }
    void operator()(std::optional<Dtype> Problem::*member) const {
      problem.*member = read_enum<Dtype>(reader, field);
    }
    void operator()(MaskKind Problem::*member) const { problem.*member = read_enum<MaskKind>(reader, field); }
    void operator()(Layout Problem::*member) const { problem.*member = read_enum<Layout>(reader, field); }
    void operator()(std::optional<Lengths> Problem::*member) const {
      StatedLengths stated = read_lengths(reader);
      problem.*member = std::move(stated.lengths);
      if (!stated.source.empty()) problem.source = std::move(stated.source);
    }
    void operator()(KvCache Problem::*member) const { problem.*member = read_kv_cache(reader); }
  };
  std::visit(Read{integer, field, reader, problem}, field.member);
}

// A key of a problem object and its values.
struct Axis {
  const ProblemField* field;
  std::vector<JsonReader> values;
  std::size_t index = 0;  // of the value in the current combination
};

std::vector<Axis> read_axes(const JsonReader& object) {
  std::vector<Axis> axes;
  std::size_t combinations = 1;
  for (const ProblemField& field : problem_fields()) {
    if (!object.has(field.name)) continue;
    axes.push_back({&field, object[field.name].one_or_more()});
    combinations *= axes.back().values.size();
    if (combinations > kMaxProblems) {
      object.fail(fmt::format("the axes expand to more than {} problems", kMaxProblems));
    }
  }
  return axes;
}

// Advances to the next combination; the last axis varies fastest. False after the last combination.
bool advance(std::vector<Axis>& axes) {
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    if (++axis->index < axis->values.size()) return true;
    axis->index = 0;
  }
  return false;
}

// Recorded calls have names of their own, as two of them may be equal.
std::string name_of(const Problem& problem, const JsonReader& object, const std::vector<Axis>& axes) {
  const bool has_name = object.has("name");
  std::string name = has_name ? object["name"].line() : problem_id(problem);
  if (name.empty()) object["name"].fail("must not be empty");
  for (const Axis& axis : axes) {
    const std::string of_value = lengths_name(axis.values[axis.index]);
    if (!of_value.empty()) {
      name += fmt::format("_{}", of_value);
    } else if (has_name && axis.values.size() > 1) {
      name += fmt::format("_{}", id_part(*axis.field, problem));
    }
  }
  return name;
}

Problem combine(const JsonReader& object, const std::vector<Axis>& axes) {
  Problem problem;
  if (object.has("source")) problem.source = object["source"].line();
  for (const Axis& axis : axes) read_field(*axis.field, axis.values[axis.index], problem);
  if (!object.has("heads_kv")) problem.heads_kv = problem.heads_q;
  const std::int64_t batch = problem.batch;
  const std::int64_t seq_q = problem.seq_q;
  const std::int64_t seq_kv = problem.seq_kv;
  apply_lengths(problem);  // a size that is given nevertheless has to agree
  if (object.has("batch")) problem.batch = batch;
  if (object.has("seq_q")) problem.seq_q = seq_q;
  if (object.has("seq_kv")) problem.seq_kv = seq_kv;
  if (!object.has("seq_kv") && !problem.lengths) problem.seq_kv = problem.seq_q;
  if (!object.has("layout")) problem.layout = default_layout(problem);
  if (!object.has("scale")) problem.scale = default_scale(problem.head_dim);
  validate(problem, object.where());
  normalize(problem);
  problem.name = name_of(problem, object, axes);
  return problem;
}

json value_from_flag(std::string_view text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_number() || value.is_boolean() ? value : json(std::string(text));
}

// The values of an axis in a flag. The text of a cache has colons of its own: its parts after the kind.
std::vector<std::string> axis_values(std::string_view key, std::string_view text) {
  std::vector<std::string> values;
  const bool is_cache = key == "kv";
  for (const std::string_view part : split(text, ':')) {
    if (is_cache && !values.empty() && !parse_word<KvKind>(part)) {
      values.back() += fmt::format(":{}", part);
    } else {
      values.emplace_back(part);
    }
  }
  return values;
}

}  // namespace

std::span<const std::string_view> problem_keys() {
  static const std::vector<std::string_view> keys = [] {
    std::vector<std::string_view> all = {"name", "source"};
    for (const ProblemField& field : problem_fields()) all.push_back(field.name);
    return all;
  }();
  return keys;
}

std::vector<PlannedProblem> read_problems(const JsonReader& problems) {
  std::vector<PlannedProblem> planned;
  std::map<std::string, std::string> place_of;  // where() of each name
  for (const JsonReader& object : problems.one_or_more()) {
    object.check_keys(problem_keys());
    std::vector<Axis> axes = read_axes(object);
    do {
      PlannedProblem next{combine(object, axes), object.where()};
      const auto [earlier, is_new] = place_of.emplace(next.problem.name, next.where);
      if (!is_new) {
        object.fail(fmt::format(
            "two problems have the name {}{}; set a different \"name\" or other values", next.problem.name,
            earlier->second == next.where ? "" : fmt::format(" (the other is {})", earlier->second)));
      }
      planned.push_back(std::move(next));
      if (planned.size() > kMaxProblems) problems.fail(fmt::format("more than {} problems", kMaxProblems));
    } while (advance(axes));
  }
  return planned;
}

json problem_from_flag(std::string_view text) {
  json object = json::object();
  for (const std::string_view part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      throw UsageError(fmt::format(
          "--problem: \"{}\" must have the form key=value, for example batch=1,heads_q=8,seq_q=512", part));
    }
    const std::string key(part.substr(0, equals));
    if (object.contains(key)) {
      throw UsageError(fmt::format(
          "--problem/{}: appears twice; separate the values of an axis by colons: {}=512:1024", key, key));
    }
    const std::vector<std::string> values = axis_values(key, part.substr(equals + 1));
    if (values.size() == 1) {
      object[key] = value_from_flag(values.front());
    } else {
      for (const std::string& value : values) object[key].push_back(value_from_flag(value));
    }
  }
  return object;
}

}  // namespace flashcore
