// The window that a profiler looks at: ncu started with --profile-from-start off sees nothing else.
#pragma once

namespace flashcore {

// From construction to destruction. Does nothing when no profiler is attached or CUDA is not compiled in.
class ProfilerWindow {
 public:
  ProfilerWindow();
  ~ProfilerWindow();
  ProfilerWindow(const ProfilerWindow&) = delete;
  ProfilerWindow& operator=(const ProfilerWindow&) = delete;
};

}  // namespace flashcore
