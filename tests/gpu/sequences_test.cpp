// Variants for ragged batches and paged caches: every one on batches that tend to break kernels, and as a captured
// graph that is replayed with other lengths in the same arrays.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "device/cuda_memory.hpp"
#include "gpu/gpu_test.hpp"
#include "kernels/common/cpu_threads.hpp"
#include "registry/registry.hpp"
#include "unit/support/sequence_cases.hpp"

namespace flashcore {
namespace {

// A batch in device memory.
class DeviceBatch {
 public:
  explicit DeviceBatch(SequenceBatch& batch) : args_(batch.args()) {
    q_ = allocate(batch.q, args_.q);
    k_ = allocate(batch.k, args_.k);
    v_ = allocate(batch.v, args_.v);
    out_ = allocate(batch.out, args_.out);
    lse_ = allocate(batch.lse, args_.lse);
    sinks_ = allocate(batch.sinks, args_.sinks);
    k_descale_ = allocate(batch.k_descale, args_.k_descale);
    v_descale_ = allocate(batch.v_descale, args_.v_descale);
    cu_seqlens_q_ = allocate(batch.cu_seqlens_q, args_.sequences.cu_seqlens_q);
    cu_seqlens_k_ = allocate(batch.cu_seqlens_k, args_.sequences.cu_seqlens_k);
    seqused_k_ = allocate(batch.seqused_k, args_.sequences.seqused_k);
    page_table_ = allocate(batch.page_table, args_.kv.page_table);
  }

  AttentionArgs args(void* workspace, void* plan) const {
    AttentionArgs args = args_;
    args.workspace = workspace;
    args.plan = plan;
    return args;
  }

  // A batch with arrays of the same sizes.
  void write(const SequenceBatch& batch) {
    copy(q_, batch.q);
    copy(k_, batch.k);
    copy(v_, batch.v);
    copy(out_, batch.out);
    copy(lse_, batch.lse);
    copy(sinks_, batch.sinks);
    copy(k_descale_, batch.k_descale);
    copy(v_descale_, batch.v_descale);
    copy(cu_seqlens_q_, batch.cu_seqlens_q);
    copy(cu_seqlens_k_, batch.cu_seqlens_k);
    copy(seqused_k_, batch.seqused_k);
    copy(page_table_, batch.page_table);
  }
  void read_outputs(SequenceBatch& batch) const {
    read(batch.out, out_);
    read(batch.lse, lse_);
  }

 private:
  template <class T>
  static std::size_t bytes(const std::vector<T>& array) {
    return array.size() * sizeof(T);
  }
  // `pointer` becomes the array's address on the device; it stays as it is if it is null.
  template <class T, class Pointer>
  static Memory allocate(const std::vector<T>& array, Pointer& pointer) {
    if (pointer == nullptr) return {};
    Memory memory = allocate_cuda(static_cast<std::int64_t>(bytes(array)));
    pointer = static_cast<T*>(memory.data());
    return memory;
  }
  template <class T>
  static void copy(const Memory& memory, const std::vector<T>& array) {
    if (memory.data() == nullptr) return;
    ASSERT_EQ(static_cast<std::size_t>(memory.bytes()), bytes(array));
    cuda_check(cudaMemcpy(memory.data(), array.data(), bytes(array), cudaMemcpyHostToDevice), "copying");
  }
  template <class T>
  static void read(std::vector<T>& array, const Memory& memory) {
    if (memory.data() == nullptr) return;
    cuda_check(cudaMemcpy(array.data(), memory.data(), bytes(array), cudaMemcpyDeviceToHost), "reading");
  }

  AttentionArgs args_;
  Memory q_, k_, v_, out_, lse_, sinks_, k_descale_, v_descale_, cu_seqlens_q_, cu_seqlens_k_, seqused_k_,
      page_table_;
};

std::vector<const Variant*> variants_for(const SequenceCase& sequences, Dtype dtype, std::int64_t head_dim) {
  std::vector<const Variant*> chosen;
  for (const Variant* variant : all_variants()) {
    const VariantSpec& spec = variant->spec;
    if (variant->backend == Backend::cuda && spec.dtype == dtype && spec.head_dim == head_dim &&
        spec.tile.ragged != 0 && (spec.tile.paged != 0) == (sequences.page_size > 0) &&
        (spec.tile.kv_bits != 0) == sequences.e4m3_kv)
      chosen.push_back(variant);
  }
  return chosen;
}

// The workspace and the plan of a variant.
class Scratch {
 public:
  Scratch(const Variant& variant, const AttentionArgs& args)
      : workspace_(allocate_cuda(static_cast<std::int64_t>(variant.workspace_bytes(args)) + 16)),
        plan_(allocate_cuda(static_cast<std::int64_t>(variant.plan_bytes(args)) + 16)) {}
  void* workspace() const { return workspace_.data(); }
  void* plan() const { return plan_.data(); }
  void poison() {
    cuda_check(cudaMemset(workspace_.data(), 0xFF, workspace_.bytes()), "workspace");
    cuda_check(cudaMemset(plan_.data(), 0xFF, plan_.bytes()), "plan");
  }

 private:
  Memory workspace_, plan_;
};

// As a step of a model: a plan, and two layers that use it.
int launch_step(const Variant& variant, const AttentionArgs& args, void* stream) {
  constexpr int kLayers = 2;
  int error = variant.plan(args, stream);
  for (int layer = 0; layer < kLayers && error == 0; ++layer) error = variant.launch(args, stream);
  return error;
}

class BatchTest : public GpuTest {
 protected:
  // Batches are small: more threads of the reference would wait for each other for longer than they work.
  void SetUp() override {
    GpuTest::SetUp();
    kernels::set_thread_count(1);
  }
  void TearDown() override { kernels::set_thread_count(threads_); }

  static bool runs_here(const Variant& variant, const AttentionArgs& args) {
    const Target target = target_of(executor().device());
    return variant.kernels->unsupported(variant.index, args, target.limits) == nullptr;
  }

 private:
  int threads_ = kernels::thread_count();
};

class SequencesTest : public BatchTest,
                      public testing::WithParamInterface<std::tuple<SequenceCase, std::int64_t, Dtype>> {};

void expect_right(const SequenceCase& sequences, std::int64_t head_dim, Dtype dtype, const auto& runs_here) {
  const std::vector<const Variant*> variants = variants_for(sequences, dtype, head_dim);
  if (variants.empty()) return;
  SequenceBatch batch(sequences, dtype, static_cast<std::int32_t>(head_dim));
  DeviceBatch device(batch);
  for (const Variant* variant : variants) {
    if (!runs_here(*variant, batch.args())) continue;
    Scratch scratch(*variant, batch.args());
    scratch.poison();
    batch.poison_outputs();
    device.write(batch);
    cuda_check(launch_step(*variant, device.args(scratch.workspace(), scratch.plan()), nullptr),
               variant->id());
    cuda_check(cudaDeviceSynchronize(), variant->id());
    device.read_outputs(batch);
    EXPECT_EQ(batch.failure(), "") << variant->id();
  }
}

TEST_P(SequencesTest, AgreesWithTheReference) {
  auto [sequences, head_dim, dtype] = GetParam();
  for (const bool e4m3_kv : {false, true}) {
    sequences.e4m3_kv = e4m3_kv;
    expect_right(sequences, head_dim, dtype, runs_here);
  }
}

std::vector<SequenceCase> all_cases() {
  std::vector<SequenceCase> all = sequence_cases();
  const std::vector<SequenceCase> paged = paged_cases();
  all.insert(all.end(), paged.begin(), paged.end());
  return all;
}

INSTANTIATE_TEST_SUITE_P(Cuda, SequencesTest,
                         testing::Combine(testing::ValuesIn(all_cases()),
                                          testing::Values(32, 64, 96, 128, 256),
                                          testing::Values(Dtype::fp16, Dtype::bf16)),
                         [](const testing::TestParamInfo<SequencesTest::ParamType>& instance) {
                           return fmt::format("{}_d{}_{}", std::get<0>(instance.param).name,
                                              std::get<1>(instance.param),
                                              to_string(std::get<2>(instance.param)));
                         });

class CapturedGraph {
 public:
  CapturedGraph(const Variant& variant, const AttentionArgs& args) {
    cuda_check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeRelaxed), "capture");
    const int error = launch_step(variant, args, stream_.get());
    cudaGraph_t captured = nullptr;
    cuda_check(cudaStreamEndCapture(stream_.get(), &captured), "capture");
    const GraphHandle graph(captured);
    cuda_check(error, variant.id());
    cudaGraphExec_t executable = nullptr;
    cuda_check(cudaGraphInstantiate(&executable, captured, 0), "graph");
    graph_.reset(executable);
  }
  void replay() {
    cuda_check(cudaGraphLaunch(graph_.get(), stream_.get()), "replay");
    cuda_check(cudaStreamSynchronize(stream_.get()), "replay");
  }

 private:
  StreamHandle stream_ = make_stream();
  GraphExecHandle graph_;
};

SequenceCase replayed(int set, std::int32_t page_size, bool e4m3_kv) {
  SequenceCase sequences = replayed_case(set, page_size);
  sequences.e4m3_kv = e4m3_kv;
  return sequences;
}

class ReplayTest : public BatchTest,
                   public testing::WithParamInterface<std::tuple<int, std::int64_t, Dtype>> {
 protected:
  static void expect_right_replays(bool e4m3_kv);
};

void ReplayTest::expect_right_replays(bool e4m3_kv) {
  constexpr int kReplays = 10;
  const auto& [page_size, head_dim, dtype] = GetParam();
  const auto columns = static_cast<std::int32_t>(head_dim);
  SequenceBatch batch(replayed(0, page_size, e4m3_kv), dtype, columns);
  DeviceBatch device(batch);
  struct Replayed {
    const Variant* variant;
    Scratch scratch;
    CapturedGraph graph;
  };
  std::vector<Replayed> all;
  for (const Variant* variant : variants_for(replayed(0, page_size, e4m3_kv), dtype, head_dim)) {
    if (!runs_here(*variant, batch.args())) continue;
    Scratch scratch(*variant, batch.args());
    CapturedGraph graph(*variant, device.args(scratch.workspace(), scratch.plan()));
    all.push_back({variant, std::move(scratch), std::move(graph)});
  }
  for (int set = 1; set <= kReplays && !all.empty(); ++set) {
    batch.become(
        SequenceBatch(replayed(set, page_size, e4m3_kv), dtype, columns, static_cast<std::uint32_t>(set)));
    for (Replayed& one : all) {
      one.scratch.poison();
      batch.poison_outputs();
      device.write(batch);
      cuda_check(cudaDeviceSynchronize(), "copies");
      one.graph.replay();
      device.read_outputs(batch);
      EXPECT_EQ(batch.failure(), "") << one.variant->id() << " set " << set;
    }
  }
}

TEST_P(ReplayTest, ACapturedGraphFollowsOtherLengths) { expect_right_replays(false); }
TEST_P(ReplayTest, ACapturedGraphFollowsOtherLengthsWithKeysInE4m3) { expect_right_replays(true); }

INSTANTIATE_TEST_SUITE_P(Cuda, ReplayTest,
                         testing::Combine(testing::Values(0, 16, 48), testing::Values(64, 128, 256),
                                          testing::Values(Dtype::fp16, Dtype::bf16)),
                         [](const testing::TestParamInfo<ReplayTest::ParamType>& instance) {
                           return fmt::format("pages_of_{}_d{}_{}", std::get<0>(instance.param),
                                              std::get<1>(instance.param),
                                              to_string(std::get<2>(instance.param)));
                         });

}  // namespace
}  // namespace flashcore
