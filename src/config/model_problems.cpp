#include "config/model_problems.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/call_file.hpp"
#include "config/layer_forms.hpp"
#include "config/lookup.hpp"
#include "config/sequence_reader.hpp"
#include "config/traced_problems.hpp"
#include "trace/bins.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxCards = 1024;
constexpr std::int64_t kMaxContext = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kThousand = 1024;  // "8k"
constexpr std::size_t kMaxTracedCalls = std::size_t{1} << 20;
constexpr std::string_view kServedCache = "paged:16";

// The values of a flag as a document, so that a reader's errors name the flag.
json number_or_text(const std::string& text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_number() ? value : json(text);
}

std::vector<std::int64_t> numbers(const std::vector<std::string>& texts, const std::string& flag,
                                  std::int64_t most, std::int64_t otherwise) {
  if (texts.empty()) return {otherwise};
  std::vector<std::int64_t> values;
  for (const std::string& text : texts) {
    json value = number_or_text(text);
    if (text.size() > 1 && text.ends_with('k')) {
      const json thousands = number_or_text(text.substr(0, text.size() - 1));
      if (thousands.is_number_unsigned() && thousands.get<std::uint64_t>() < kMaxContext / kThousand) {
        value = thousands.get<std::int64_t>() * kThousand;
      }
    }
    JsonDocument document("{}", flag);
    document.set("/value", value, flag);
    values.push_back(JsonReader(document)["value"].integer(1, most));
  }
  return values;
}

std::int64_t number(const std::optional<std::string>& text, const std::string& flag, std::int64_t most,
                    std::int64_t otherwise) {
  return numbers(text ? std::vector{*text} : std::vector<std::string>(), flag, most, otherwise).front();
}

std::vector<Phase> phases_of(const ModelFlags& flags, const ModelPreset& model) {
  if (flags.phases.empty()) return {is_causal(model) ? Phase::decode : Phase::prefill};
  std::vector<Phase> phases;
  for (const std::string& text : flags.phases) {
    JsonDocument document("{}", "--phase");
    document.set("/value", text, "--phase");
    phases.push_back(static_cast<Phase>(JsonReader(document)["value"].word(kPhaseWords)));
    if (phases.back() != Phase::prefill && !is_causal(model)) {
      throw UsageError(
          fmt::format("--phase: {} has only the phase prefill: its queries see later keys", model.name));
    }
  }
  return phases;
}

std::vector<std::int64_t> contexts_of(const ModelFlags& flags, const ModelPreset& model) {
  std::vector<std::int64_t> contexts =
      numbers(flags.contexts, "--context", kMaxContext, std::min(kDefaultContext, model.max_context));
  for (const std::int64_t context : contexts) {
    if (context > model.max_context) {
      throw UsageError(fmt::format("--context: {} is more than {} takes, which is {}", context, model.name,
                                   model.max_context));
    }
  }
  return contexts;
}

std::string length_text(std::int64_t length) {
  return length % kThousand == 0 ? fmt::format("{}k", length / kThousand) : fmt::format("{}", length);
}

// Fills in what flags say of all problems: the dtype, and where the keys are.
json with_flags(json attention, const ModelFlags& flags, std::string_view cache) {
  if (flags.dtype) attention["dtype"] = *flags.dtype;
  if (flags.kv || !cache.empty()) attention["kv"] = flags.kv ? *flags.kv : std::string(cache);
  return attention;
}

// One combination of flags.
struct Setting {
  std::string name;
  std::string source;
  Phase phase;
  std::int64_t batch, context;
};

void add_mixed(const ModelPreset& model, const Setting& setting, const ModelFlags& flags, json& problems) {
  const auto context = static_cast<std::int32_t>(setting.context);
  const auto count = static_cast<std::size_t>(setting.batch);
  Lengths call{std::vector<std::int32_t>(count, 1), std::vector<std::int32_t>(count, context)};
  call.q.front() = static_cast<std::int32_t>(std::min(kMixedChunk, setting.context));
  for (const LayerForm& form : forms_of(model)) {
    const Lengths part = form.part_of(call);
    if (part.q.empty()) continue;
    json object = with_flags(form.attention, flags, kServedCache);
    object.erase("seq_kv");
    object["name"] = form.name.empty() ? setting.name : fmt::format("{}-{}", setting.name, form.name);
    object["source"] = setting.source;
    object["weight"] = form.layers;
    object["lengths"] = lengths_text(part);
    problems.push_back(std::move(object));
  }
}

void add_equal(const ModelPreset& model, const Setting& setting, const ModelFlags& flags, json& problems) {
  const bool decodes = setting.phase == Phase::decode;
  for (const LayerKind& kind : model.layers) {
    json object = with_flags(decodes ? kind.decode : kind.prefill, flags, decodes ? kServedCache : "");
    object["name"] = model.layers.size() == 1 ? setting.name : fmt::format("{}-{}", setting.name, kind.name);
    object["source"] = setting.source;
    object["weight"] = kind.count;
    object["batch"] = setting.batch;
    object["seq_q"] = decodes ? 1 : setting.context;
    if (!object.contains("seq_kv")) object["seq_kv"] = setting.context;
    problems.push_back(std::move(object));
  }
}

json stated_problems(const ModelPreset& model, const std::string& stem, const ModelFlags& flags) {
  json problems = json::array();
  const std::vector<std::int64_t> contexts = contexts_of(flags, model);
  for (const Phase phase : phases_of(flags, model)) {
    for (const std::int64_t batch : numbers(flags.batches, "--batch", kMaxSequences, kDefaultBatch)) {
      for (const std::int64_t context : contexts) {
        const Setting setting{
            fmt::format("{}-{}-b{}-{}", stem, to_string(phase), batch, length_text(context)),
            fmt::format("model {}, {}", stem, to_string(phase)), phase, batch, context};
        (phase == Phase::mixed ? add_mixed : add_equal)(model, setting, flags, problems);
      }
    }
  }
  return problems;
}

// Writes how a server takes the requests of a trace into a value of `lengths`.
void set_scheduler(JsonDocument& document, std::string_view settings) {
  for (const std::string_view part : split(settings, ',')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view key = part.substr(0, equals);
    const bool is_step = std::ranges::count(kStepKeys, key) > 0;
    if (equals == part.size() || (!is_step && std::ranges::count(kSchedulerKeys, key) == 0)) {
      throw UsageError(fmt::format("--scheduler: \"{}\" must have the form key=value; keys: {}, {}", part,
                                   fmt::join(kSchedulerKeys, ", "), fmt::join(kStepKeys, ", ")));
    }
    document.set(fmt::format("/value/{}{}", is_step ? "" : "scheduler/", key),
                 number_or_text(std::string(part.substr(equals + 1))), fmt::format("--scheduler/{}", key));
  }
}

bool names_calls(const std::string& trace) {
  try {
    return holds_calls(trace);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("--trace: {}", error.what()));
  }
}

CallFile read_trace(const ModelFlags& flags) {
  const bool is_calls = names_calls(*flags.trace);
  if (is_calls && flags.scheduler) {
    throw UsageError("--scheduler: --trace names recorded calls, which need no scheduler");
  }
  JsonDocument document("{}", "--trace");
  document.set(is_calls ? "/value/calls" : "/value/trace", *flags.trace, "--trace");
  if (!is_calls) set_scheduler(document, kDefaultScheduler);
  if (flags.scheduler) set_scheduler(document, *flags.scheduler);
  return read_call_file(JsonReader(document)["value"], {}, kMaxTracedCalls);
}

json problems_of_trace(const ModelPreset& model, const std::string& stem, const ModelFlags& flags) {
  if (!flags.phases.empty() || !flags.batches.empty() || !flags.contexts.empty()) {
    throw UsageError("--trace: cannot be combined with --phase, --batch or --context: it has the lengths");
  }
  if (!is_causal(model)) throw UsageError(fmt::format("--trace: {} does not decode", model.name));
  std::vector<LayerForm> forms = forms_of(model);
  for (LayerForm& form : forms) form.attention = with_flags(std::move(form.attention), flags, kServedCache);
  const auto most = number(flags.bins, "--bins", kMaxBins, kMaxBins);
  return traced_problems(read_trace(flags), forms, fmt::format("{}-trace", stem),
                         static_cast<std::size_t>(most));
}

void check_flags(const ModelFlags& flags) {
  if (flags.bins && !flags.trace) throw UsageError("--bins: needs --trace");
  if (flags.scheduler && !flags.trace) throw UsageError("--scheduler: needs --trace");
  JsonDocument document("{}", "--model");
  if (flags.kv) document.set("/kv", *flags.kv, "--kv");
  if (flags.dtype) document.set("/dtype", *flags.dtype, "--dtype");
  const JsonReader given(document);
  if (flags.kv) read_kv_cache(given["kv"]);
  if (flags.dtype) given["dtype"].word(kDtypeWords);
}

}  // namespace

ModelPreset on_one_card(const ModelPreset& model, std::int64_t tp) {
  ModelPreset part = model;
  for (LayerKind& kind : part.layers) {
    for (json* attention : {&kind.prefill, &kind.decode}) {
      const auto heads_q = (*attention)["heads_q"].get<std::int64_t>();
      const auto heads_kv = (*attention)["heads_kv"].get<std::int64_t>();
      if (heads_q % tp != 0) {
        throw UsageError(
            fmt::format("--tp: {} does not divide the {} query heads of {}", tp, heads_q, model.name));
      }
      if (heads_kv % tp != 0 && tp % heads_kv != 0) {
        throw UsageError(fmt::format("--tp: {} neither divides the {} KV heads of {} nor is a multiple of it",
                                     tp, heads_kv, model.name));
      }
      (*attention)["heads_q"] = heads_q / tp;
      (*attention)["heads_kv"] = std::max<std::int64_t>(heads_kv / tp, 1);
    }
  }
  return part;
}

void apply(const ModelFlags& flags, JsonDocument& document) {
  check_flags(flags);
  const std::int64_t tp = number(flags.tp, "--tp", kMaxCards, 1);
  const ModelPreset model =
      on_one_card(read_model(load_model_document(*flags.model), model_stem(*flags.model)), tp);
  const std::string stem = tp == 1 ? model.name : fmt::format("{}-tp{}", model.name, tp);
  json problems = flags.trace ? problems_of_trace(model, stem, flags) : stated_problems(model, stem, flags);
  document.set("/name", stem, "--model");
  document.set("/description", model.description, "--model");
  document.set("/problems", std::move(problems), "--model");
}

}  // namespace flashcore
