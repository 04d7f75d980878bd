#include "attention/problem_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <type_traits>

#include "base/hash.hpp"

namespace flashcore {
namespace {

constexpr double kMaxSize = std::numeric_limits<std::int32_t>::max();
constexpr double kMaxFloat = std::numeric_limits<float>::max();  // kernels take scale and softcap as float

constexpr ProblemField size_field(std::string_view name, std::int64_t Problem::*member, std::string_view id,
                                  Match match, std::string_view meaning) {
  return {.name = name,
          .member = member,
          .min = 1,
          .max = kMaxSize,
          .id = id,
          .always_in_id = true,
          .required = true,
          .match = match,
          .meaning = meaning};
}

constexpr ProblemField window_field(std::string_view name, std::int64_t Problem::*member, std::string_view id,
                                    std::string_view meaning) {
  return {.name = name,
          .member = member,
          .min = -1,
          .max = kMaxSize,
          .id = id,
          .match = Match::ignored,  // distance() compares the shape of the whole mask
          .meaning = meaning};
}

// Marks a field that only the families that list it support.
constexpr ProblemField opt_in(ProblemField field) {
  field.always_written = field.is_column = false;
  field.support = Support::opt_in;
  return field;
}

constexpr ProblemField kFields[] = {
    size_field("batch", &Problem::batch, "b", Match::nearest, "Batch size. Default: 1."),
    size_field("heads_q", &Problem::heads_q, "hq", Match::nearest, "Query heads. Default: 1."),
    size_field("heads_kv", &Problem::heads_kv, "hkv", Match::nearest,
               "Key and value heads; must divide heads_q. Default: heads_q."),
    size_field("seq_q", &Problem::seq_q, "q", Match::nearest, "Queries per sequence. Default: 1."),
    size_field("seq_kv", &Problem::seq_kv, "kv", Match::nearest, "Keys per sequence. Default: seq_q."),
    opt_in(
        {.name = "lengths",
         .member = &Problem::lengths,
         .id = "len",
         .match = Match::ignored,  // distance() compares the sizes that follow from them
         .meaning = "Lengths of the sequences of a ragged batch; batch, seq_q and seq_kv follow from them."}),
    size_field("head_dim", &Problem::head_dim, "d", Match::required, "Columns of Q and K. Default: 64."),
    opt_in({.name = "head_dim_v",
            .member = &Problem::head_dim_v,
            .min = 1,
            .max = kMaxSize,
            .id = "dv",
            .meaning = "Columns of V and O. Default: head_dim."}),
    {.name = "dtype",
     .member = &Problem::dtype,
     .always_in_id = true,
     .required = true,
     .meaning = "Element type of Q, K and V. Default: fp16."},
    opt_in({.name = "kv_dtype",
            .member = &Problem::kv_dtype,
            .id = "kv_",
            .meaning = "Element type of K and V. Default: dtype."}),
    {.name = "out_dtype",
     .member = &Problem::out_dtype,
     .id = "out",
     .always_written = false,
     .match = Match::preferred,
     .meaning =
         "Element type of O. Must equal dtype if dtype is fp16 or bf16. Default: dtype; for e4m3: bf16."},
    {.name = "causal",
     .member = &Problem::causal,
     .id = "causal",
     .id_false = "full",
     .match = Match::ignored,  // distance() compares the shape of the whole mask
     .meaning = "Query i sees the keys up to i + seq_kv - seq_q. Default: false."},
    {.name = "scale",
     .member = &Problem::scale,
     .min = -kMaxFloat,
     .max = kMaxFloat,
     .id = "scale",
     .match = Match::ignored,
     .meaning = "Softmax scale. Default: 1 / sqrt(head_dim)."},
    window_field("window_left", &Problem::window_left, "wl",
                 "Number of keys that a query sees before its diagonal; -1: all. Default: -1."),
    window_field("window_right", &Problem::window_right, "wr",
                 "Number of keys that a query sees after its diagonal; -1: all; 0 if causal. Default: -1."),
    opt_in({.name = "mask",
            .member = &Problem::mask,
            .id = "mask_",
            .meaning =
                "window: causal, window_left and window_right apply; chunk: a query also sees only keys of "
                "the chunk that contains its diagonal; bits: one bit per query and key. Default: window."}),
    opt_in({.name = "chunk",
            .member = &Problem::chunk,
            .min = 0,
            .max = kMaxSize,
            .id = "chunk",
            .meaning = "Keys per chunk for the mask \"chunk\"; 0 for other masks. Default: 0."}),
    {.name = "softcap",
     .member = &Problem::softcap,
     .min = 0,
     .max = kMaxFloat,
     .id = "cap",
     .match = Match::preferred,
     .meaning = "A score becomes softcap * tanh(score / softcap); 0: no softcap. Default: 0."},
    opt_in(
        {.name = "sinks",
         .member = &Problem::sinks,
         .id = "sinks",
         .id_false = "nosinks",
         .meaning = "Each query head has a sink: one more score in the sum of its softmax. Default: false."}),
    {.name = "layout",
     .member = &Problem::layout,
     .match = Match::preferred,
     .meaning =
         "bhsd: [batch, heads, seq, head_dim]; bshd: [batch, seq, heads, head_dim]; padded: bhsd with gaps; "
         "shared_heads, shared_batches: bhsd with the same K and V for all heads or batches; far_batches: "
         "bhsd "
         "with batches more than 2^31 elements apart. Default: bhsd; for lengths and paged caches: bshd."},
    opt_in(
        {.name = "kv",
         .member = &Problem::kv,
         .id = "",
         .match = Match::preferred,
         .meaning =
             "Where the keys of a sequence are: contiguous, or in pages of a cache. Default: contiguous."}),
    {.name = "lse",
     .member = &Problem::lse,
     .id = "lse",
     .id_false = "nolse",
     .match = Match::preferred,
     .meaning = "Compute the log-sum-exp output, too. Default: false."},
    {.name = "weight",
     .member = &Problem::weight,
     .min = 1e-6,
     .max = 1e12,
     .id = "weight",
     .always_written = false,
     .is_column = false,
     .is_compared = false,
     .match = Match::ignored,
     .meaning = "How often the problem counts against the others: calls, or layers of a model. Default: 1."},
};

constexpr std::string_view kUnlimited = "all";  // a window of -1 in ids
constexpr std::size_t kLongestIdPart = 48;

template <class T>
std::string text_of(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(to_string(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return fmt::format("{}", value);
  } else if constexpr (std::is_same_v<T, Lengths>) {
    return lengths_text(value);
  } else if constexpr (std::is_same_v<T, KvCache>) {
    return kv_cache_text(value);
  } else {
    return value ? text_of(*value) : "";
  }
}

// "8/2", or "8" if both are equal.
std::string pair_text(std::int64_t q, std::int64_t kv, std::string_view separator) {
  return q == kv ? fmt::format("{}", q) : fmt::format("{}{}{}", q, separator, kv);
}

bool follows_from_lengths(const ProblemField& field) {
  return field.member == ProblemMember(&Problem::batch) || field.member == ProblemMember(&Problem::seq_q) ||
         field.member == ProblemMember(&Problem::seq_kv);
}

}  // namespace

std::span<const std::string_view> ProblemField::allowed_words() const {
  if (std::holds_alternative<MaskKind Problem::*>(member)) return kMaskKindWords;
  if (std::holds_alternative<Layout Problem::*>(member)) return kLayoutWords;
  if (member == ProblemMember(&Problem::out_dtype)) return kOutputDtypeWords;
  const bool is_dtype = std::holds_alternative<Dtype Problem::*>(member) ||
                        std::holds_alternative<std::optional<Dtype> Problem::*>(member);
  return is_dtype ? Words(kDtypeWords) : Words();
}

bool ProblemField::is_number() const {
  return std::holds_alternative<std::int64_t Problem::*>(member) ||
         std::holds_alternative<std::optional<std::int64_t> Problem::*>(member) ||
         std::holds_alternative<double Problem::*>(member);
}

std::span<const ProblemField> problem_fields() { return kFields; }

const ProblemField* find_problem_field(std::string_view name) {
  const auto* found = std::ranges::find(kFields, name, &ProblemField::name);
  return found == std::end(kFields) ? nullptr : found;
}

Problem defaults_of(const Problem& problem) {
  Problem defaults;
  defaults.layout = default_layout(problem);
  defaults.dtype = problem.dtype;
  defaults.head_dim = problem.head_dim;
  defaults.heads_kv = problem.heads_q;
  defaults.seq_kv = problem.seq_q;
  defaults.scale = default_scale(problem.head_dim);
  normalize(defaults);
  return defaults;
}

bool is_equal(const ProblemField& field, const Problem& a, const Problem& b) {
  return std::visit([&](auto member) { return a.*member == b.*member; }, field.member);
}

bool is_default(const ProblemField& field, const Problem& problem) {
  const bool absent = std::visit(
      [&](auto member) {
        if constexpr (requires { (problem.*member).has_value(); }) return !(problem.*member).has_value();
        return false;
      },
      field.member);
  return absent || is_equal(field, problem, defaults_of(problem));
}

std::string value_text(const ProblemField& field, const Problem& problem) {
  return std::visit([&](auto member) { return text_of(problem.*member); }, field.member);
}

std::string id_part(const ProblemField& field, const Problem& problem) {
  if (const auto* member = std::get_if<bool Problem::*>(&field.member)) {
    return std::string(problem.**member ? field.id : field.id_false);
  }
  std::string value = value_text(field, problem);
  const bool is_count = std::holds_alternative<std::int64_t Problem::*>(field.member);
  if (is_count && value == "-1") value = kUnlimited;
  std::ranges::replace(value, ':', '-');  // ids are names of files
  if (value.size() > kLongestIdPart) {
    value = fmt::format("{}-{}", value.substr(0, kLongestIdPart / 2), hash_hex(value).substr(0, 8));
  }
  return fmt::format("{}{}", field.id, value);
}

std::string problem_id(const Problem& problem) {
  std::string id;
  for (const ProblemField& field : kFields) {
    if (!field.is_compared || (!field.always_in_id && is_default(field, problem))) continue;
    id += fmt::format("{}{}", id.empty() ? "" : "_", id_part(field, problem));
  }
  return id;
}

std::string problem_sizes(const Problem& p, std::span<const std::string_view> without) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& part) {
    if (std::ranges::count(without, name) == 0) text += (text.empty() ? "" : ", ") + part;
  };
  add("batch", fmt::format("batch {}", p.batch));
  add("heads_q", fmt::format("heads {}", pair_text(p.heads_q, p.heads_kv, "/")));
  add("seq_q", fmt::format("seq {}", pair_text(p.seq_q, p.seq_kv, "×")));
  add("head_dim", fmt::format("head_dim {}", p.head_dim));
  const std::string output = traits(p.dtype).scaled ? fmt::format(" to {}", to_string(output_dtype(p))) : "";
  add("dtype", fmt::format("{}{}", to_string(p.dtype), output));
  for (const ProblemField& field : kFields) {
    if (!field.is_compared || field.always_in_id || is_default(field, p) || field.name == "out_dtype")
      continue;
    // The words of switches and layouts are clear without the field's name: "causal", "padded".
    const bool without_name = std::holds_alternative<bool Problem::*>(field.member) ||
                              std::holds_alternative<Layout Problem::*>(field.member);
    add(field.name,
        without_name ? id_part(field, p) : fmt::format("{} {}", field.name, value_text(field, p)));
  }
  return text;
}

std::string problem_flag(const Problem& problem) {
  std::string flag;
  for (const ProblemField& field : kFields) {
    if (!field.always_in_id && is_default(field, problem)) continue;
    if (problem.lengths && follows_from_lengths(field)) continue;
    flag += fmt::format("{}{}={}", flag.empty() ? "" : ",", field.name, value_text(field, problem));
  }
  return flag;
}

}  // namespace flashcore
