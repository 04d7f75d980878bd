// Progress and summary of a run, for standard error.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "run/run.hpp"

namespace flashcore {

// One line that is rewritten in place; nothing if not enabled (not a terminal, --quiet).
class ProgressLine : public Progress {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{100};  // between two drawings

  ProgressLine(std::ostream& out, bool enabled, int width = 80,
               std::function<Clock::time_point()> now = Clock::now);
  ~ProgressLine() override { erase(); }
  void update(std::int64_t done, std::int64_t total, std::string_view doing) override;
  void begin_problem(
      std::string_view what) override;  // where there is no such line, --verbose prints one per problem
  void erase();                         // call before printing anything else to the terminal

 private:
  std::ostream& out_;
  bool enabled_;
  int width_;
  std::function<Clock::time_point()> now_;
  Clock::time_point started_;
  std::optional<Clock::time_point> drawn_;
  bool visible_ = false;
};

// "10 ok, 1 incorrect, 2 unsupported; wrote results/cpu/default.json, results/cpu/default.csv"
std::string summary_line(const RunSummary& summary, std::span<const std::string> files);

}  // namespace flashcore
