#include "base/compiled_architectures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace flashcore {
namespace {

// One word of the list.
struct Architecture {
  int capability = 0;
  char feature = '\0';  // a: runs on exactly this capability; f: on later ones of its major number, too
  bool machine_code = true;
  bool ptx = true;

  bool runs_on(int device) const {
    if (feature == 'a') return capability == device;
    if (capability > device) return false;
    const bool same_major = capability / 10 == device / 10;
    return same_major ? machine_code || ptx : ptx && feature == '\0';
  }
};

// Nothing for a word that CMake did not resolve to a number.
std::optional<Architecture> parse(std::string_view word) {
  Architecture found;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), found.capability);
  if (error != std::errc()) return std::nullopt;
  word.remove_prefix(static_cast<std::size_t>(end - word.data()));
  if (word.starts_with('a') || word.starts_with('f')) {
    found.feature = word.front();
    word.remove_prefix(1);
  }
  found.machine_code = word != "-virtual";
  found.ptx = word != "-real";
  return found;
}

}  // namespace

std::vector<std::string> list_architectures(std::string_view architectures) {
  std::vector<std::string> words;
  while (!architectures.empty()) {
    const std::size_t end = std::min(architectures.find_first_of(";,"), architectures.size());
    if (end > 0) words.emplace_back(architectures.substr(0, end));
    architectures.remove_prefix(std::min(end + 1, architectures.size()));
  }
  return words;
}

std::optional<int> code_capability(std::string_view architectures, int compute_capability) {
  std::optional<int> best;
  for (const std::string& word : list_architectures(architectures)) {
    const std::optional<Architecture> found = parse(word);
    if (!found) return compute_capability;  // unknown: the driver decides
    if (found->runs_on(compute_capability)) best = std::max(best.value_or(0), found->capability);
  }
  return best;
}

std::string no_code_reason(std::string_view architectures, int compute_capability) {
  const std::vector<std::string> words = list_architectures(architectures);
  if (words.empty() || code_capability(architectures, compute_capability)) return "";
  constexpr int kHopper = 90;  // whose warpgroup products are a feature of its own
  return fmt::format(
      "this program is compiled for {}, and has no code for compute capability {}; build it with "
      "-DCMAKE_CUDA_ARCHITECTURES={}{}-real",
      fmt::join(words, ", "), capability_text(compute_capability), compute_capability,
      compute_capability == kHopper ? "a" : "");
}

std::string capability_text(int compute_capability) {
  return fmt::format("{}.{}", compute_capability / 10, compute_capability % 10);
}

}  // namespace flashcore
