// An execution plan of cuDNN for one attention problem: the first engine configuration, in the order of
// cuDNN's heuristics, that builds.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/peer_cudnn/sdpa.hpp"

namespace flashcore::kernels::cudnn {

class Plan {
 public:
  // Takes from milliseconds to seconds: engines may compile their kernel here. Throws CudnnError with the
  // reason of the last engine tried when none builds.
  Plan(const Api& api, cudnnHandle_t handle, const KernelArgs& args, Dtype dtype)
      : api_(api), graph_(api, args, dtype) {
    operation_graph_.emplace(api, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "operation graph");
    operation_graph_->set_all(CUDNN_ATTR_OPERATIONGRAPH_OPS, graph_.operations(),
                              CUDNN_TYPE_BACKEND_DESCRIPTOR);
    operation_graph_->set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
    operation_graph_->finalize();
    choose_engine(handle);
    workspace_bytes_ = static_cast<std::size_t>(plan_->get_int64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
  }

  std::size_t workspace_bytes() const { return workspace_bytes_; }

  // cuDNN's version, the engine and its knobs. (cuDNN also writes plans down as JSON, but differently in each process.)
  // Throws CudnnError.
  std::string code_text() const {
    std::string text = "cuDNN " + std::to_string(api_.get_version());
    for (const Descriptor& engine :
         config_->get_all(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, "engine")) {
      text += " engine " + std::to_string(engine.get_int64(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
    }
    for (const Descriptor& knob : config_->get_all(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                                   CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, "knob choice")) {
      text += " knob " + std::to_string(knob.get_knob_type(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)) + "=" +
              std::to_string(knob.get_int64(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
    }
    return text;
  }

  // Enqueues on the stream of the handle. `args` may differ from the constructor's in pointers only.
  // Throws CudnnError.
  void execute(cudnnHandle_t handle, const KernelArgs& args) {
    std::vector<std::int64_t> uids = {kQueryUid, kKeyUid, kValueUid, kOutputUid};
    std::vector<void*> pointers = {const_cast<void*>(args.q), const_cast<void*>(args.k),
                                   const_cast<void*>(args.v), args.out};
    if (args.lse != nullptr) {
      uids.push_back(kLogSumExpUid);
      pointers.push_back(args.lse);
    }
    for (Scalar& scalar : graph_.scalars()) {
      uids.push_back(scalar.uid);
      pointers.push_back(scalar.bytes.data());
    }
    Descriptor pack(api_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "variant pack");
    pack.set_all(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, uids);
    pack.set_all(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers);
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, args.workspace);
    pack.finalize();
    check(api_, api_.execute(handle, plan_->raw(), pack.raw()), "execution");
  }

 private:
  // Mode A ranks engines by a model of their speed; the fallback list has the engines that it leaves out.
  void choose_engine(cudnnHandle_t handle) {
    std::string reason = "cuDNN has no engine for this problem";
    for (cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK}) {
      try {
        for (Descriptor& config : ranked_configs(mode)) {
          if (try_config(handle, config, reason)) return;
        }
      } catch (const CudnnError& error) {
        reason = error.what();  // of this mode; the next may still answer
      }
    }
    throw CudnnError(reason);
  }

  std::vector<Descriptor> ranked_configs(cudnnBackendHeurMode_t mode) {
    Descriptor heuristics(api_, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "engine heuristics");
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, *operation_graph_);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    heuristics.finalize();

    return heuristics.get_all(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                              "engine configuration");
  }

  bool try_config(cudnnHandle_t handle, Descriptor& config, std::string& reason) {
    try {
      Descriptor plan(api_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "execution plan");
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
      plan.finalize();
      config_.emplace(std::move(config));
      plan_.emplace(std::move(plan));
      return true;
    } catch (const CudnnError& error) {
      reason = error.what();
      return false;
    }
  }

  const Api& api_;
  SdpaGraph graph_;
  std::optional<Descriptor> operation_graph_;
  std::optional<Descriptor> config_;
  std::optional<Descriptor> plan_;
  std::size_t workspace_bytes_ = 0;
};

}  // namespace flashcore::kernels::cudnn
