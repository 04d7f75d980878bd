// The range that a profiler records. ncu with --profile-from-start off records only this range.
#pragma once

namespace flashcore {

// The range lasts from construction to destruction. Has no effect without a profiler or without CUDA.
class ProfilerWindow {
 public:
  ProfilerWindow();
  ~ProfilerWindow();
  ProfilerWindow(const ProfilerWindow&) = delete;
  ProfilerWindow& operator=(const ProfilerWindow&) = delete;
};

}  // namespace flashcore
