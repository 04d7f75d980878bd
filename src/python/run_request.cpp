#include "python/run_request.hpp"

#include <fmt/format.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <deque>
#include <memory>
#include <optional>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "cli/auto_picks.hpp"
#include "cli/run_plan.hpp"
#include "compare/within_run.hpp"
#include "config/plan.hpp"
#include "execute/open_device.hpp"
#include "python/callable_family.hpp"
#include "python/worker_session.hpp"
#include "record/ranking.hpp"
#include "render/table.hpp"
#include "results/environment.hpp"
#include "results/file_sink.hpp"
#include "results/result_file.hpp"
#include "run/run.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

// Keeps records as the text of a result file.
class TextSink final : public Sink {
 public:
  TextSink(std::string head, nb::object on_problem)
      : head_(std::move(head)), on_problem_(std::move(on_problem)) {}

  void add(const Record& record) override { append(of_problem_, record_line(record)); }
  void end_problem() override {
    if (of_problem_.empty()) return;
    if (!on_problem_.is_none()) {
      const nb::gil_scoped_acquire lock;
      on_problem_(head_ + of_problem_ + std::string(kResultsTail));
    }
    append(records_, std::exchange(of_problem_, ""));
  }
  std::string text() const { return head_ + records_ + std::string(kResultsTail); }

 private:
  static void append(std::string& list, const std::string& entry) {
    if (!list.empty()) list += kRecordSeparator;
    list += entry;
  }

  std::string head_;
  nb::object on_problem_;
  std::string of_problem_;
  std::string records_;
};

// Lets Python handle a key that interrupts it. A kernel may take any time, so this is called between steps of a run.
class SignalProgress final : public Progress {
 public:
  void update(std::int64_t, std::int64_t, std::string_view) override { python_interrupted(); }
};

bool names_variants(const Plan& plan) { return plan.automatic || !plan.variants.empty(); }

std::vector<const Variant*> variants_of(const Plan& plan, const DeviceInfo& device,
                                        std::deque<CallableFamily>& kernels) {
  std::vector<const Variant*> variants;
  for (CallableFamily& kernel : kernels) {
    for (const Problem& problem : plan.problems) {
      const Variant* variant = &kernel.variant_for(problem);
      if (std::ranges::count(variants, variant) == 0) variants.push_back(variant);
    }
  }
  if (!names_variants(plan)) return variants;
  for (const Variant* variant : runnable_variants(plan, device)) variants.push_back(variant);
  return variants;
}

Json environment_of(const RunRequest& request, const Plan& plan, const DeviceInfo& device) {
  Json environment = make_environment({.device = device,
                                       .host_cpu = cpu_device(),
                                       .cuda = cuda_status(),
                                       .command_line = {},
                                       .config = plan.config});
  environment.update(Json::parse(request.environment));
  return environment;
}

}  // namespace

std::string run(const RunRequest& request) {
  request_interrupt(false);
  const Plan plan = make_plan(JsonDocument(request.config, "config"), "python");
  const std::unique_ptr<Executor> own = request.isolated ? nullptr : open_device(plan.device);
  Executor& executor = request.isolated ? started_worker() : *own;
  std::deque<CallableFamily> kernels;
  for (const nb::object& adapter : request.adapters) kernels.emplace_back(adapter);
  const std::vector<const Variant*> variants = variants_of(plan, executor.device(), kernels);
  check_memory(plan, executor);
  const std::vector<Pick> picks = auto_picks(plan, executor);
  if (!plan.policy.measure.modes.empty()) executor.measure_ceilings();

  const Json environment = environment_of(request, plan, executor.device());
  const Json config = plan.config;
  TextSink text(results_head(environment, config), request.on_problem);
  std::optional<JsonSink> file;
  if (!request.output.empty()) file.emplace(OutputTarget(request.output, "output"), environment, config);
  std::vector<Sink*> sinks = {&text};
  if (file) sinks.insert(sinks.begin(), &*file);
  SignalProgress progress;
  const bool interrupted = [&] {
    std::optional<nb::gil_scoped_release> others_run;  // while a worker is waited for
    if (request.isolated) others_run.emplace();
    return flashcore::run(plan.problems, variants, plan.policy, executor, sinks, progress, picks).interrupted;
  }();
  request_interrupt(false);
  if (interrupted) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    throw nb::python_error();
  }
  return text.text();
}

std::string table_text(const std::string& results, int width) {
  std::string text;
  for (const std::vector<Record>& records : by_problem(parse_results(results, "results").records)) {
    text += (text.empty() ? "" : "\n") + render_table(records, {.width = width});
  }
  return text;
}

nb::list best(const std::string& results) {
  nb::list found;
  for (const std::vector<Record>& records : by_problem(parse_results(results, "results").records)) {
    const Record* record = find_best(records);
    if (record != nullptr) found.append(nb::make_tuple(record->problem.name, record->variant_id()));
  }
  return found;
}

nb::tuple ratio(const std::string& results) {
  const ResultFile file = parse_results(results, "results");
  if (file.records.size() != 2) throw UsageError("ratio: needs two records");
  const Ratio found = ratio_within_run(file.records[1], file.records[0]);
  return nb::make_tuple(found.value, found.low, found.high);
}

}  // namespace flashcore
