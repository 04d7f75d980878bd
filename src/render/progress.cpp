#include "render/progress.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[2K";  // ECMA-48: EL with parameter 2
constexpr int kBarWidth = 20;

// The estimated time to the end, after the first step: ", about 1:05 left".
std::string time_left(std::int64_t done, std::int64_t total, double elapsed_s) {
  if (done <= 0 || done >= total) return "";
  const double left_s = elapsed_s * static_cast<double>(total - done) / static_cast<double>(done);
  const auto seconds = static_cast<std::int64_t>(std::llround(left_s));
  return fmt::format(", about {}:{:02} left", seconds / 60, seconds % 60);
}

std::string bar(std::int64_t done, std::int64_t total) {
  const std::int64_t filled = total > 0 ? kBarWidth * std::clamp<std::int64_t>(done, 0, total) / total : 0;
  return fmt::format("[{:<{}}]", std::string(static_cast<std::size_t>(filled), '#'), kBarWidth);
}

}  // namespace

ProgressLine::ProgressLine(std::ostream& out, bool enabled, int width, std::function<Clock::time_point()> now)
    : out_(out), enabled_(enabled), width_(width), now_(std::move(now)), started_(now_()) {}

void ProgressLine::update(std::int64_t done, std::int64_t total, std::string_view doing) {
  if (!enabled_) return;
  const Clock::time_point now = now_();
  if (drawn_ && now - *drawn_ < kInterval) return;
  drawn_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - started_).count();
  const std::string line = fmt::format("{} {}/{}{}  {}", bar(done, total), done, total,
                                       time_left(done, total, elapsed_s), printable(doing));
  // One column is left free: a terminal may wrap when its last one is filled.
  out_ << kEraseLine << elide(line, width_ - 1) << std::flush;
  visible_ = true;
}

void ProgressLine::begin_problem(std::string_view what) {
  if (!enabled_) spdlog::debug("{}", what);
}

void ProgressLine::erase() {
  if (std::exchange(visible_, false)) out_ << kEraseLine << std::flush;
  drawn_.reset();
}

std::string summary_line(const RunSummary& summary, std::span<const std::string> files) {
  std::vector<std::string> parts;
  const auto add = [&](std::int64_t count, std::string_view what, bool always = false) {
    if (count > 0 || always) parts.push_back(fmt::format("{} {}", count, what));
  };
  add(summary.ok, "ok", true);
  add(summary.incorrect, "incorrect");
  add(summary.suspect, "suspect");
  add(summary.unsupported, "unsupported");
  add(summary.failed, "failed");
  std::string line = fmt::format("{}{}", summary.interrupted ? "interrupted: " : "", fmt::join(parts, ", "));
  if (!files.empty()) line += fmt::format("; wrote {}", fmt::join(files, ", "));
  return line;
}

}  // namespace flashcore
