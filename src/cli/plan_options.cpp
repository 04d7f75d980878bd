#include "cli/plan_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <concepts>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/lookup.hpp"
#include "device/device.hpp"
#include "trace/bins.hpp"

namespace flashcore {
namespace {

constexpr const char* kDefaultConfig = "default";
constexpr const char* kModelGroup = "Problems of a model";

// As the help has it; empty if it has none.
struct DefaultText {
  std::string_view text;
  std::int64_t number = 0;

  constexpr DefaultText() = default;
  constexpr DefaultText(std::string_view value) : text(value) {}
  constexpr DefaultText(std::integral auto value) : number(static_cast<std::int64_t>(value)) {}
  std::string shown() const { return number == 0 ? std::string(text) : fmt::format("{}", number); }
};

struct ModelOption {
  const char* flag;
  std::optional<std::string> ModelFlags::*value;
  const char* placeholder;
  const char* meaning;
  DefaultText by_default = {};
};
constexpr ModelOption kModelOptions[] = {
    {"--model", &ModelFlags::model, "MODEL",
     "Take the problems of MODEL instead of a config's: the name of a preset (see info), or a path"},
    {"--tp", &ModelFlags::tp, "N", "Take one card's part of the heads, of N cards with tensor parallelism"},
    {"--kv", &ModelFlags::kv, "KV",
     "Place the keys: contiguous or paged:N; default: paged:16, for prefill contiguous"},
    {"--dtype", &ModelFlags::dtype, "NAME", "Replace the model's dtype"},
    {"--trace", &ModelFlags::trace, "FILE",
     "Take the lengths of recorded calls, or of requests that a scheduler serves"},
    {"--scheduler", &ModelFlags::scheduler, "SETTINGS", "Serve the requests of --trace so",
     kDefaultScheduler},
    {"--bins", &ModelFlags::bins, "N", "Let at most N problems stand for the calls of --trace", kMaxBins},
};

struct ModelListOption {
  const char* flag;
  std::vector<std::string> ModelFlags::*values;
  const char* placeholder;
  const char* meaning;
  DefaultText by_default = {};
};
constexpr ModelListOption kModelListOptions[] = {
    {"--phase", &ModelFlags::phases, "PHASE",
     "Set the phases of serving: prefill, decode or mixed; separated by commas"},
    {"--batch", &ModelFlags::batches, "N", "Set the numbers of sequences", kDefaultBatch},
    {"--context", &ModelFlags::contexts, "LENGTH", "Set the keys of each sequence, such as 8192 or 8k",
     kDefaultContext},
};

void add_model_options(CLI::App& app, ModelFlags& flags) {
  for (const ModelOption& option : kModelOptions) {
    app.add_option(option.flag, flags.*option.value, option.meaning)
        ->type_name(option.placeholder)
        ->default_str(option.by_default.shown())
        ->group(kModelGroup);
  }
  for (const ModelListOption& option : kModelListOptions) {
    app.add_option(option.flag, flags.*option.values, option.meaning)
        ->type_name(option.placeholder)
        ->default_str(option.by_default.shown())
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group(kModelGroup);
  }
}

void add_require_option(CLI::App& app, Overrides& overrides) {
  app.add_option("--require", overrides.require,
                 fmt::format("Time only variants that are {}; repeatable, or separated by commas",
                             fmt::join(words(Requirement{}), ", ")))
      ->type_name("PROPERTY")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
}

// What belongs to a model needs one, and a model has its own problems.
void check_model_options(const PlanOptions& options) {
  const ModelFlags& flags = options.model;
  if (flags.model && options.config) throw UsageError("--model: cannot be combined with --config");
  if (flags.model && !options.overrides.problems.empty()) {
    throw UsageError("--model: cannot be combined with --problem");
  }
  if (flags.model) return;
  for (const ModelOption& option : kModelOptions) {
    if (flags.*option.value) throw UsageError(fmt::format("{}: needs --model", option.flag));
  }
  for (const ModelListOption& option : kModelListOptions) {
    if (!(flags.*option.values).empty()) throw UsageError(fmt::format("{}: needs --model", option.flag));
  }
}

}  // namespace

JsonDocument load_plan(const PlanOptions& options) {
  check_model_options(options);
  JsonDocument document = load_config(options.config.value_or(kDefaultConfig));
  if (options.model.model) apply(options.model, document);
  apply(options.overrides, document);
  return document;
}

std::string plan_name(const PlanOptions& options) {
  return config_stem(options.config.value_or(kDefaultConfig));
}

void add_plan_options(CLI::App& app, PlanOptions& options) {
  Overrides& overrides = options.overrides;
  app.add_option("--config", options.config,
                 "Read CONFIG: a path, the name of a shipped config (see info), or - for standard input")
      ->type_name("CONFIG")
      ->default_str(kDefaultConfig)
      ->group(kSelectionGroup);
  app.add_option("--device", overrides.device, "Run on auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE")
      ->group(kSelectionGroup);
  app.add_option(
         "--variants", overrides.variants,
         "Select variants by globs over ids, such as \"wmma/*\"; a leading ! excludes; repeatable, or "
         "separated by commas")
      ->type_name("GLOB")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
  app.add_option("--problem", overrides.problems,
                 "Replace the config's problems, for example batch=1,heads_q=8,seq_q=512:1024; colons "
                 "separate the values of an axis; repeatable")
      ->type_name("PROBLEM")
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
  add_model_options(app, options.model);
  add_require_option(app, overrides);
  app.add_option("--seed", overrides.seed, "Set the seed of the random inputs")
      ->type_name("N")
      ->group(kSelectionGroup);
  app.add_flag("--dry-run", options.dry_run, "Print the plan and exit")->group(kSelectionGroup);
}

void add_isolation_options(CLI::App& app, PlanOptions& options) {
  app.add_option("--timeout", options.overrides.timeout_s,
                 "Kill the worker process of a variant if one check or sample takes longer than SECONDS")
      ->type_name("SECONDS")
      ->group(kMeasureGroup);
  app.add_option_function<int>("--threads", set_cpu_threads,
                               "Run the CPU families with N threads; default: one per core")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxCpuThreads))
      ->group(kMeasureGroup);
  app.add_flag("--in-process", options.in_process,
               "Run variants in this process instead of a worker, for debuggers and profilers")
      ->group(kMeasureGroup);
}

}  // namespace flashcore
