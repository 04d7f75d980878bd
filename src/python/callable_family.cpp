#include "python/callable_family.hpp"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "capi/convert.hpp"
#include "python/problem_text.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

// Opt-in fields of problems that a kernel may have parameters for; the adapter refuses those that it lacks.
constexpr std::string_view kSequenceFields[] = {"lengths", "kv", "sinks"};

// More would only be kept for launches of earlier problems.
constexpr std::size_t kMaxBound = 4096;

template <Worded Enum>
Enum word(const nb::object& value) {
  const auto text = nb::cast<std::string>(value);
  const auto found = std::ranges::find(words(Enum{}), text);
  return static_cast<Enum>(found - words(Enum{}).begin());
}

[[noreturn]] void throw_error(const nb::object& adapter, nb::python_error& error) {
  if (error.matches(PyExc_KeyboardInterrupt)) request_interrupt(true);
  const nb::object explained = adapter.attr("explain")(error.value());
  const auto status = word<Status>(explained[0]);
  const auto text = nb::cast<std::string>(explained[1]);
  if (status == Status::out_of_memory) throw OutOfMemoryError(text);
  throw EnvironmentError(text, status);
}

template <class T>
void append(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Equal arguments have equal bytes: the struct has no padding.
static_assert(sizeof(flashcore_attention) ==
              9 * sizeof(void*) + 12 * sizeof(std::int64_t) + 12 * sizeof(float));
std::string key_of(const AttentionArgs& args, Dtype dtype, void* stream) {
  const flashcore_attention c_args = to_c(args, dtype);
  std::string key(reinterpret_cast<const char*>(&c_args), sizeof(c_args));
  const Sequences& of = args.sequences;
  for (const void* pointer : {stream, static_cast<void*>(args.plan)}) append(key, pointer);
  for (const void* pointer :
       {of.cu_seqlens_q, of.cu_seqlens_k, of.seqused_q, of.seqused_k, args.kv.page_table}) {
    append(key, pointer);
  }
  append(key, args.sinks);
  for (const std::int64_t value :
       {of.total_q, of.total_k, args.kv.page_table_stride, args.kv.pages, std::int64_t{args.kv.page_size}}) {
    append(key, value);
  }
  return key;
}

}  // namespace

CallableFamily::CallableFamily(nb::object adapter)
    : adapter_(std::move(adapter)),
      name_(nb::cast<std::string>(adapter_.attr("family"))),
      summary_(nb::cast<std::string>(adapter_.attr("summary"))),
      framework_(nb::cast<std::string>(adapter_.attr("framework"))),
      tile_{.block_q = nb::cast<int>(adapter_.attr("tile")[0]),
            .block_kv = nb::cast<int>(adapter_.attr("tile")[1])},
      backend_(word<Backend>(adapter_.attr("backend"))),
      role_(word<Role>(adapter_.attr("role"))),
      device_(nb::cast<int>(adapter_.attr("device"))),
      collects_(nb::cast<bool>(adapter_.attr("collects"))),
      reads_unused_rows_(nb::cast<bool>(adapter_.attr("reads_unused_rows"))) {}

const Variant& CallableFamily::variant_for(const Problem& problem) {
  const VariantSpec spec{
      .dtype = problem.dtype, .head_dim = static_cast<int>(problem.head_dim), .tile = tile_};
  const auto known = std::ranges::find(variants_, spec, &Variant::spec);
  if (known != variants_.end()) return *known;
  return variants_.emplace_back(Variant{.family = name_,
                                        .spec = spec,
                                        .backend = backend_,
                                        .role = role_,
                                        .summary = summary_,
                                        .problem_fields = kSequenceFields,
                                        .reads_unused_rows = reads_unused_rows_,
                                        .kernels = this,
                                        .index = variants_.size()});
}

const char* CallableFamily::unsupported(std::size_t variant, const AttentionArgs& args,
                                        const DeviceLimits&) const {
  const nb::gil_scoped_acquire lock;
  try {
    const Problem problem = problem_of(args, variants_[variant].spec.dtype);
    reason_ = nb::cast<std::string>(adapter_.attr("refuse")(problem_text(problem)));
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
  return reason_.empty() ? nullptr : reason_.c_str();
}

CallableFamily::Bound& CallableFamily::bind(std::size_t variant, const AttentionArgs& args,
                                            void* stream) const {
  const Dtype dtype = variants_[variant].spec.dtype;
  std::string key = key_of(args, dtype, stream);
  if (const auto found = bound_.find(key); found != bound_.end()) return found->second;
  if (bound_.size() == kMaxBound) bound_.clear();
  const ArrayPlace place{.backend = backend_, .device = device_, .framework = framework_};
  std::string problem = problem_text(problem_of(args, dtype));
  const nb::object pair = adapter_.attr("bind")(tensors_of(args, dtype, place, nb::none()), problem,
                                                reinterpret_cast<std::uintptr_t>(stream));
  Bound bound{.call = pair[0], .collect = pair[1], .problem = std::move(problem)};
  return bound_.emplace(std::move(key), std::move(bound)).first->second;
}

std::size_t CallableFamily::plan_bytes(std::size_t variant, const AttentionArgs& args) const {
  constexpr std::size_t kSomeBytes = 4;  // the kernel keeps its plan itself
  if (!args.sequences.is_ragged() && !args.kv.is_paged()) return 0;
  const nb::gil_scoped_acquire lock;
  try {
    const std::string problem = problem_text(problem_of(args, variants_[variant].spec.dtype));
    const auto [known, is_new] = plans_.try_emplace(problem, false);
    if (is_new) known->second = nb::cast<bool>(adapter_.attr("plans")(problem));
    return known->second ? kSomeBytes : 0;
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
}

int CallableFamily::plan(std::size_t variant, const AttentionArgs& args, void* stream) const {
  const nb::gil_scoped_acquire lock;
  try {
    const Dtype dtype = variants_[variant].spec.dtype;
    const ArrayPlace place{.backend = backend_, .device = device_, .framework = framework_};
    adapter_.attr("plan")(tensors_of(args, dtype, place, nb::none()), problem_text(problem_of(args, dtype)),
                          reinterpret_cast<std::uintptr_t>(stream));
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
  return 0;
}

int CallableFamily::launch(std::size_t variant, const AttentionArgs& args, void* stream) const {
  const nb::gil_scoped_acquire lock;
  try {
    Bound& bound = bind(variant, args, stream);
    result_ = bound.problem.empty() ? bound.call() : adapter_.attr("first")(bound.call, bound.problem);
    bound.problem.clear();
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
  return 0;
}

int CallableFamily::collect(std::size_t variant, const AttentionArgs& args, void* stream) const {
  const nb::gil_scoped_acquire lock;
  try {
    bind(variant, args, stream).collect(std::exchange(result_, nb::none()));
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
  return 0;
}

KernelNotes CallableFamily::notes(std::size_t variant, const AttentionArgs& args) const {
  const nb::gil_scoped_acquire lock;
  KernelNotes notes;
  try {
    const std::string problem = problem_text(problem_of(args, variants_[variant].spec.dtype));
    const nb::object found = adapter_.attr("notes")(problem);
    notes.in_process = nb::cast<std::string>(found[0]);
    if (!found[1].is_none()) notes.compile_s = nb::cast<double>(found[1]);
    for (const auto& [name, choice] : nb::cast<nb::dict>(found[2])) {
      notes.choices[nb::cast<std::string>(name)] = nb::cast<std::string>(choice);
    }
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
  return notes;
}

std::int64_t CallableFamily::compilations() const {
  const nb::gil_scoped_acquire lock;
  try {
    return nb::cast<std::int64_t>(adapter_.attr("compilations")());
  } catch (nb::python_error& error) {
    throw_error(adapter_, error);
  }
}

}  // namespace flashcore
