#include "emulated/kernel_test.hpp"

#include <utility>

namespace flashcore::emulated {

std::vector<Case> cases() {
  const auto with = [](std::string name, std::int64_t seq_q, std::int64_t seq_kv, auto change) {
    Problem problem{.batch = 1, .heads_q = 2, .heads_kv = 1, .seq_q = seq_q, .seq_kv = seq_kv};
    change(problem);
    return Case{std::move(name), problem};
  };
  const auto plain = [](Problem&) {};
  const auto causal = [](Problem& p) { p.causal = true; };
  return {
      with("one_key", 1, 1, [](Problem& p) { p.batch = 2; }),
      with("odd", 113, 203, plain),
      with("few_keys", 131, 3, plain),
      with("decode", 1, 300, [](Problem& p) { p.heads_q = 6, p.heads_kv = 2; }),
      with("many_heads", 130, 70, [](Problem& p) { p.heads_q = 9, p.heads_kv = 3; }),
      with("causal", 96, 96, causal),
      with("causal_more_keys", 75, 280, causal),
      with("causal_more_queries", 256, 113, causal),
      with("log_sum_exp_masked_rows", 140, 80, [](Problem& p) { p.lse = p.causal = true; }),
      with("bshd", 70, 150, [](Problem& p) { p.layout = Layout::bshd, p.heads_kv = 2; }),
      with("padded", 65, 129, [](Problem& p) { p.layout = Layout::padded, p.lse = true; }),
      with("window", 200, 230, [](Problem& p) { p.window_left = 37, p.window_right = 11; }),
      with("causal_window", 150, 190, [](Problem& p) { p.window_left = 50, p.causal = true; }),
      with("softcap", 60, 170, [](Problem& p) { p.softcap = 3; }),
  };
}

std::vector<Case> short_cases() {
  std::vector<Case> chosen = cases();
  std::erase_if(chosen, [](const Case& c) {
    return c.name != "few_keys" && c.name != "causal" && c.name != "padded" && c.name != "decode";
  });
  return chosen;
}

std::vector<Case> packable_cases() {
  std::vector<Case> chosen = cases();
  std::erase_if(chosen, [](const Case& c) { return c.problem.heads_q / c.problem.heads_kv % 3 == 0; });
  const auto add = [&](std::string name, std::int64_t group, std::int64_t seq_q, std::int64_t seq_kv,
                       Layout layout) {
    chosen.push_back({std::move(name),
                      {.batch = 2,
                       .heads_q = 2 * group,
                       .heads_kv = 2,
                       .seq_q = seq_q,
                       .seq_kv = seq_kv,
                       .causal = seq_q > 1,
                       .layout = layout,
                       .lse = true}});
  };
  add("decode_of_8", 8, 1, 200, Layout::bhsd);
  add("decode_of_64", 64, 1, 70, Layout::bshd);
  add("some_queries_of_4", 4, 37, 90, Layout::bshd);
  add("masked_rows_of_8", 8, 21, 10, Layout::padded);
  return chosen;
}

namespace {

// Throws Failure.
std::string launch_and_check(const CompiledKernel& variant, HostBuffers& buffers, std::uint64_t schedule) {
  buffers.poison_outputs();
  AttentionArgs args = buffers.args({});
  constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  if (const char* reason = variant.unsupported(args, kHopper)) return reason;
  const std::size_t workspace_bytes = variant.workspace_bytes(args);
  const Memory workspace = allocate_host(static_cast<std::int64_t>(workspace_bytes) + 1);
  std::memset(workspace.data(), 0xFF, workspace_bytes);
  args.workspace = workspace.data();
  set_schedule_seed(schedule);
  if (const int error = variant.launch(args, nullptr); error != cudaSuccess) {
    return fmt::format("the launch returned {}", error);
  }
  return buffers.check_outputs({}).reason;
}

}  // namespace

std::string failure_of(const CompiledKernel& variant, Problem problem, kernels::InputKind inputs) {
  problem.head_dim = variant.spec.head_dim;
  problem.dtype = variant.spec.dtype;
  if (problem.scale == 0) problem.scale = default_scale(problem.head_dim);
  HostBuffers buffers(problem, 1, inputs);
  for (std::uint64_t schedule = 1; schedule <= kSchedules; ++schedule) {
    std::string reason;
    try {
      reason = launch_and_check(variant, buffers, schedule);
    } catch (const Failure& failure) {
      reason = failure.what();
    }
    if (!reason.empty()) return fmt::format("schedule {}: {}", schedule, reason);
  }
  return {};
}

void expect_right_or_refused_on_strides(const CompiledKernel& variant) {
  for (const Layout layout : {Layout::shared_heads, Layout::shared_batches, Layout::far_batches}) {
    const Problem problem{
        .batch = 2, .heads_q = 2, .heads_kv = 2, .seq_q = 20, .seq_kv = 70, .layout = layout, .lse = true};
    const std::string failure = failure_of(variant, problem);
    if (layout != Layout::far_batches && failure.find("strides must be positive") != std::string::npos)
      continue;
    EXPECT_EQ(failure, "") << variant.id() << " " << to_string(layout);
  }
}

void expect_right_on_low_scores(const CompiledKernel& variant) {
  for (const kernels::InputKind kind : kAll<kernels::InputKind>) {
    if (!kernels::has_low_scores(kind)) continue;
    for (const std::int64_t seq_kv : {200, 8, 1}) {
      const Problem problem{.heads_q = 2,
                            .heads_kv = 2,
                            .seq_q = 20,
                            .seq_kv = seq_kv,
                            .scale = kernels::kAdversarialScale,
                            .lse = true};
      EXPECT_EQ(failure_of(variant, problem, kind), "")
          << variant.id() << " " << to_string(kind) << " " << seq_kv;
    }
  }
}

}  // namespace flashcore::emulated
