#include "config/problem_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

constexpr std::size_t kMostProblems = 10000;
constexpr std::int64_t kMostSize = std::numeric_limits<std::int32_t>::max();
constexpr double kMostNumber = std::numeric_limits<float>::max();  // kernels take scale and softcap as float

// One key of a problem that may be an axis: how it is read, and what it adds to a name when it varies.
struct ProblemField {
  std::string_view key;
  void (*read)(const JsonReader&, Problem&);
  std::string (*suffix)(const Problem&);
};

template <std::int64_t Problem::*kMember>
void read_size(const JsonReader& reader, Problem& problem) {
  problem.*kMember = reader.integer(1, kMostSize);
}

template <std::int64_t Problem::*kMember>
void read_window(const JsonReader& reader, Problem& problem) {
  problem.*kMember = reader.integer(-1, kMostSize);
}

template <class Enum, std::size_t kCount>
Enum read_enum(const JsonReader& reader, const Enum (&values)[kCount]) {
  std::vector<std::string_view> words;
  for (Enum value : values) words.push_back(to_string(value));
  return values[reader.word(words)];
}

std::string window_text(std::int64_t keys) { return keys < 0 ? "all" : std::to_string(keys); }

const ProblemField kFields[] = {
    {"batch", read_size<&Problem::batch>, [](const Problem& p) { return fmt::format("b{}", p.batch); }},
    {"heads_q", read_size<&Problem::heads_q>,
     [](const Problem& p) { return fmt::format("hq{}", p.heads_q); }},
    {"heads_kv", read_size<&Problem::heads_kv>,
     [](const Problem& p) { return fmt::format("hkv{}", p.heads_kv); }},
    {"seq_q", read_size<&Problem::seq_q>, [](const Problem& p) { return fmt::format("q{}", p.seq_q); }},
    {"seq_kv", read_size<&Problem::seq_kv>, [](const Problem& p) { return fmt::format("kv{}", p.seq_kv); }},
    {"head_dim", read_size<&Problem::head_dim>,
     [](const Problem& p) { return fmt::format("d{}", p.head_dim); }},
    {"dtype", [](const JsonReader& r, Problem& p) { p.dtype = read_enum(r, kAllDtypes); },
     [](const Problem& p) { return std::string(to_string(p.dtype)); }},
    {"out_dtype", [](const JsonReader& r, Problem& p) { p.out_dtype = read_enum(r, kOutputDtypes); },
     [](const Problem& p) { return fmt::format("out{}", to_string(output_dtype(p))); }},
    {"causal", [](const JsonReader& r, Problem& p) { p.causal = r.boolean(); },
     [](const Problem& p) { return std::string(p.causal ? "causal" : "full"); }},
    {"window_left", read_window<&Problem::window_left>,
     [](const Problem& p) { return "wl" + window_text(p.window_left); }},
    {"window_right", read_window<&Problem::window_right>,
     [](const Problem& p) { return "wr" + window_text(p.window_right); }},
    {"softcap", [](const JsonReader& r, Problem& p) { p.softcap = r.number(0, kMostNumber); },
     [](const Problem& p) { return fmt::format("cap{}", p.softcap); }},
    {"scale", [](const JsonReader& r, Problem& p) { p.scale = r.number(-kMostNumber, kMostNumber); },
     [](const Problem& p) { return fmt::format("scale{}", p.scale); }},
    {"layout", [](const JsonReader& r, Problem& p) { p.layout = read_enum(r, kAllLayouts); },
     [](const Problem& p) { return std::string(to_string(p.layout)); }},
    {"lse", [](const JsonReader& r, Problem& p) { p.lse = r.boolean(); },
     [](const Problem& p) { return std::string(p.lse ? "lse" : "nolse"); }},
};

// A key present in a problem object, with its values; `at` is the one of the present combination.
struct Axis {
  const ProblemField* field;
  std::vector<JsonReader> values;
  std::size_t at = 0;
};

std::vector<Axis> read_axes(const JsonReader& object) {
  std::vector<Axis> axes;
  std::size_t combinations = 1;
  for (const ProblemField& field : kFields) {
    if (!object.has(field.key)) continue;
    axes.push_back({&field, object[field.key].one_or_more()});
    combinations *= axes.back().values.size();
    if (combinations > kMostProblems) {
      object.fail(fmt::format("the axes multiply to more than {} problems", kMostProblems));
    }
  }
  return axes;
}

// Steps to the next combination, the last axis fastest; false after the last one.
bool advance(std::vector<Axis>& axes) {
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    if (++axis->at < axis->values.size()) return true;
    axis->at = 0;
  }
  return false;
}

Problem combine(const JsonReader& object, const std::vector<Axis>& axes) {
  Problem problem;
  for (const Axis& axis : axes) axis.field->read(axis.values[axis.at], problem);
  if (!object.has("heads_kv")) problem.heads_kv = problem.heads_q;
  if (!object.has("seq_kv")) problem.seq_kv = problem.seq_q;
  if (!object.has("scale")) problem.scale = default_scale(problem.head_dim);
  validate(problem, object.where());
  settle_out_dtype(problem);
  if (!object.has("name")) {
    problem.name = describe(problem);
    return problem;
  }
  problem.name = object["name"].string();
  if (problem.name.empty()) object["name"].fail("must not be empty");
  for (const Axis& axis : axes) {
    if (axis.values.size() > 1) problem.name += fmt::format("_{}", axis.field->suffix(problem));
  }
  return problem;
}

json value_from_flag(const std::string& text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_number() || value.is_boolean() ? value : json(text);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::span<const std::string_view> problem_keys() {
  static const std::vector<std::string_view> keys = [] {
    std::vector<std::string_view> all = {"name"};
    for (const ProblemField& field : kFields) all.push_back(field.key);
    return all;
  }();
  return keys;
}

std::vector<PlannedProblem> read_problems(const JsonReader& problems) {
  std::vector<PlannedProblem> planned;
  std::map<std::string, std::string> place_of;  // name to where()
  for (const JsonReader& object : problems.one_or_more()) {
    object.check_keys(problem_keys());
    std::vector<Axis> axes = read_axes(object);
    do {
      PlannedProblem next{combine(object, axes), object.where()};
      const auto [earlier, is_new] = place_of.emplace(next.problem.name, next.where);
      if (!is_new) {
        object.fail(fmt::format("a second problem is named {}{}; give it another \"name\" or other values",
                                next.problem.name,
                                earlier->second == next.where ? "" : ", like " + earlier->second));
      }
      planned.push_back(std::move(next));
      if (planned.size() > kMostProblems) problems.fail(fmt::format("more than {} problems", kMostProblems));
    } while (advance(axes));
  }
  return planned;
}

json problem_from_flag(std::string_view text) {
  json object = json::object();
  for (const std::string& part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(fmt::format(
          "--problem: \"{}\" is not of the form key=value, for example batch=1,heads_q=8,seq_q=512", part));
    }
    const std::string key = part.substr(0, equals);
    if (object.contains(key)) {
      throw UsageError(fmt::format(
          "--problem/{}: given twice; separate the values of an axis by colons, {}=512:1024", key, key));
    }
    const std::vector<std::string> values = split(std::string_view(part).substr(equals + 1), ':');
    if (values.size() == 1) {
      object[key] = value_from_flag(values.front());
    } else {
      for (const std::string& value : values) object[key].push_back(value_from_flag(value));
    }
  }
  return object;
}

}  // namespace flashcore
