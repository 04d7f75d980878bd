// flashcore_bench._core: the functions that the Python package is made of. They take and return JSON texts of the forms
// that configs and result files have.
#include <fmt/format.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "attention/problem_fields.hpp"
#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_text.hpp"
#include "base/names.hpp"
#include "base/output_file.hpp"
#include "config/lookup.hpp"
#include "config/plan.hpp"
#include "config/problem_reader.hpp"
#include "device/device.hpp"
#include "kernels/reference/difference.hpp"
#include "library/arguments.hpp"
#include "plugin/plugin.hpp"
#include "python/callable_family.hpp"
#include "python/diagnosis_request.hpp"
#include "python/launch_plan.hpp"
#include "python/problem_text.hpp"
#include "python/run_request.hpp"
#include "python/tensor_calls.hpp"
#include "python/worker_session.hpp"
#include "registry/registry.hpp"
#include "run/check_cases.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

void set_up_log() {
  constexpr const char* kName = "flashcore_bench";
  auto logger = std::make_shared<spdlog::logger>(kName, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%n: %l: %v");
  logger->set_level(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

// JSON: a list of {"name", "meaning", "words", "same"}, where "same" tells that kernels see the field by their tensors.
std::string problem_field_table() {
  constexpr std::string_view kByTensors[] = {"batch",    "heads_q",   "heads_kv",   "seq_q",
                                             "seq_kv",   "head_dim",  "head_dim_v", "dtype",
                                             "kv_dtype", "out_dtype", "layout"};
  Json fields = Json::array();
  for (const ProblemField& field : problem_fields()) {
    fields.push_back({{"name", field.name},
                      {"meaning", field.meaning},
                      {"by_tensors", std::ranges::count(kByTensors, field.name) > 0},
                      {"opt_in", field.support == Support::opt_in},
                      {"words", field.allowed_words()}});
  }
  return json_text(fields);
}

std::vector<std::string> changed_fields(const std::string& text) {
  const Problem problem = read_problem(text);
  std::vector<std::string> changed;
  for (const ProblemField& field : problem_fields()) {
    if (field.is_compared && !is_default(field, problem)) changed.emplace_back(field.name);
  }
  return changed;
}

std::vector<std::string> problem_texts(const std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem_text(problem));
  return texts;
}

// The different problems of the cases of a deep check of this problem, with their cases' names.
std::vector<std::string> deep_problems(const std::string& text) {
  const Problem problem = read_problem(text);
  std::vector<CheckCase> cases = common_cases(problem, 0);
  for (CheckCase& edge : edge_cases(problem, {}, 0)) cases.push_back(std::move(edge));
  std::vector<Problem> problems;
  for (CheckCase& one : cases) {
    one.problem.name.clear();
    one.problem.source.clear();
    one.problem.lse = false;
    if (std::ranges::count(problems, one.problem) == 0) problems.push_back(one.problem);
  }
  for (Problem& each : problems) each.name = problem_id(each);
  return problem_texts(problems);
}

// JSON: {"devices": [names], "problem": why there is none}.
std::string cuda_devices() {
  const CudaStatus cuda = cuda_status();
  Json json = {{"compiled_in", cuda.compiled_in}, {"devices", Json::array()}, {"problem", cuda.problem}};
  for (const DeviceInfo& device : cuda.devices) json["devices"].push_back(device.name);
  return json_text(json);
}

// The names of built-in families and of loaded plug-ins; a kernel has none of them.
std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const DeclaredFamily& family : declared_families()) names.emplace_back(family.name);
  return names;
}

TensorStrides strides_of(const std::vector<std::vector<std::int64_t>>& strides) {
  if (strides.size() != 4) throw UsageError("strides: wanted those of q, k, v and out");
  const auto of = [&](std::size_t tensor) {
    const std::vector<std::int64_t>& stride = strides[tensor];
    if (stride.size() != 4 || stride[3] != 1) {
      throw UsageError(
          fmt::format("{}: the elements of a row must lie side by side", tensor_names()[tensor]));
    }
    return Strides{stride[0], stride[1], stride[2]};
  };
  return {of(0), of(1), of(2), of(3)};
}

void add_runs(nb::module_& m) {
  m.def(
      "run",
      [](const std::string& config, const std::vector<nb::object>& adapters, const std::string& environment,
         const std::string& output, const nb::object& on_problem, bool isolated) {
        return run({config, adapters, environment, output, on_problem, isolated});
      },
      nb::arg("config"), nb::arg("adapters"), nb::arg("environment"), nb::arg("output"),
      nb::arg("on_problem").none(), nb::arg("isolated"));
  m.def("table", &table_text);
  m.def("best", &best);
  m.def("ratio", &ratio);
  m.def(
      "diagnose",
      [](const nb::object& adapter, const std::string& variant, const std::string& problem,
         std::uint64_t seed, const std::string& device, const std::vector<std::string>& command,
         double timeout_s) {
        return diagnose_text({adapter, variant, command, timeout_s}, problem, seed, device);
      },
      nb::arg("adapter").none(), nb::arg("variant"), nb::arg("problem"), nb::arg("seed"), nb::arg("device"),
      nb::arg("command"), nb::arg("timeout_s"));
  m.def("inputs", &make_inputs);
  m.def("reference", [](const std::string& problem, const nb::dict& inputs, const std::string& framework) {
    return make_reference(problem, InputArrays(inputs), framework);
  });
}

void add_workers(nb::module_& m) {
  m.def("start_worker", &start_worker);
  m.def("end_worker", &end_worker);
  m.def("serve", &serve_kernels);
  m.def("send_diagnosis", &send_kernel_diagnosis);
}

void add_problems(nb::module_& m) {
  m.def("problem_fields", &problem_field_table);
  m.def("tensor_names", [] {
    const auto names = tensor_names();
    return std::vector<std::string>(names.begin(), names.end());
  });
  m.def("changed_fields", &changed_fields);
  m.def("deep_problems", &deep_problems);
  m.def("problems", [](const std::string& json) { return problem_texts(read_problems(json)); });
  m.def("problem_flag", [](const std::string& json) { return problem_flag(read_problem(json)); });
  m.def("problem_from_flag", [](const std::string& flag) { return json_text(problem_from_flag(flag)); });
  m.def("load_config", [](const std::string& name) { return json_text(load_config(name).root()); });
  m.def("nearest", [](const std::string& word, const std::vector<std::string>& words) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    return std::string(nearest_word(word, views));
  });
}

void add_launch_plan(nb::module_& m) {
  nb::class_<LaunchPlan>(m, "LaunchPlan")
      .def("__init__",
           [](LaunchPlan* self, const std::string& problem,
              const std::vector<std::vector<std::int64_t>>& strides, std::int32_t device) {
             new (self) LaunchPlan(read_problem(problem), strides_of(strides), device);
           })
      .def_prop_ro("variant", &LaunchPlan::variant)
      .def_prop_ro("reason", &LaunchPlan::reason)
      .def_prop_ro("workspace_bytes", &LaunchPlan::workspace_bytes)
      .def("launch", &LaunchPlan::launch);
  m.def("choose", [](const std::string& problem, std::int32_t device) {
    const Choice choice = chosen_variant(read_problem(problem), device);
    return nb::make_tuple(choice.variant->id(), std::string(to_string(choice.rule)), choice.reason);
  });
  m.attr("tensor_alignment") = kTensorAlignment;
}

void add_tensor_calls(nb::module_& m) {
  nb::class_<TensorCalls>(m, "TensorCalls")
      .def(nb::init<const nb::capsule&>())
      .def(
          "launch",
          [](const TensorCalls& self, nb::handle q, nb::handle k, nb::handle v, nb::handle out, bool causal,
             std::int64_t window_left, std::int64_t window_right, double softcap,
             std::optional<double> scale) {
            return self.launch({q, k, v, out, causal, window_left, window_right, softcap, scale});
          },
          nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
          nb::arg().none())
      .def("remember", [](TensorCalls& self, const LaunchPlan& plan, nb::handle q, nb::handle k, nb::handle v,
                          nb::handle out, bool causal, std::int64_t window_left, std::int64_t window_right,
                          double softcap, std::optional<double> scale) {
        self.remember({q, k, v, out, causal, window_left, window_right, softcap, scale}, plan);
      });
}

}  // namespace
}  // namespace flashcore

NB_MODULE(_core, m) {  // NOLINT
  using namespace flashcore;
  set_up_log();
  nb::set_leak_warnings(false);  // plans live until the process ends
  const nb::exception<UsageError> usage_error(m, "UsageError", PyExc_ValueError);
  const nb::exception<EnvironmentError> device_error(m, "DeviceError", PyExc_RuntimeError);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const ApiError& error) {
      PyErr_SetString(PyExc_ValueError, error.message.c_str());
    }
  });
  m.attr("version") = build_info().version;
  m.attr("poison16") = kernels::kPoison16;
  m.def("cuda", &cuda_devices);
  m.def("families", &families);
  m.def("load_plugin", [](const std::string& path) { load_plugin(path, "plugin"); });
  m.def("write_text", [](const std::string& path, const std::string& text) {
    write_output({path, "path"}, FileKind::results, {text});
  });
  add_problems(m);
  add_runs(m);
  add_workers(m);
  add_launch_plan(m);
  add_tensor_calls(m);
}
