// The sentences that a run and its reports say: the conclusion, and what makes its times less certain.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conclude/conclusion.hpp"

namespace flashcore {

// The sign at rows that fall short (conclude/shortfall.hpp), and what it means under this stopping rule.
inline constexpr std::string_view kShortSign = "‡";
std::string meaning_of_short(const MeasurePolicy& policy);

// "1.14 ± 0.01", or "1.14" without an interval. The uncertainty is rounded up.
std::string ratio_text(const Advantage& over);

// How an id is written: as it is, or as code in Markdown.
using Quote = std::function<std::string(std::string_view)>;

// "mma/… is 24.4 ± 0.1 times faster than scalar/… (the baseline)", without the problem's name and without a full stop.
std::string sentence(const ProblemConclusion& problem, const Quote& quote);

// "FA3" of peer_fa3: the name of a peer's family in text; another family keeps its name.
std::string peer_name(std::string_view family);

// The geometric means over at least two problems, a sentence each, the more important last:
// "1.082 ± 0.005 × the best of FA3, FA4 over 37 problems; 33 won, 2 tied, 2 lost".
std::vector<std::string> mean_sentences(const Conclusion& conclusion);

// "weighted sum over 64 problems: 1230 ms with the fastest of each, 1251 ms with mma/…, 1400 ms with peer_fa3/…": the fastest
// of this project and the peers. Empty without weights.
std::string total_sentence(const Conclusion& conclusion);

// The answer in a sentence: "on this NVIDIA H200: " and the mean over the best peers, or over the baseline where no peer
// was timed. Of one problem, or of problems that share no rival, the first problem's sentence.
std::string headline(const Conclusion& conclusion, const Json& environment);

// Warnings about rows that fall short and about the device's clocks, one line each. `budget_s` is a budget that would
// do; it is left out when it is not known.
std::vector<std::string> caveat_sentences(const Caveats& caveats, const MeasurePolicy& policy,
                                          std::optional<double> budget_s = {},
                                          std::string_view rows = "rows");

// "load 7 on 2 cores: times are upper bounds", or nothing if that load is usual (is_busy()).
std::string busy_sentence(double load, double cores);

// The caveats of a result file, with the load that its environment states for a run on the CPU.
std::vector<std::string> file_cautions(const Conclusion& conclusion, const Json& environment);

// The lines that end a run on the terminal: each problem and the means. Of many problems only those with the least and
// the largest advantage. Empty without a conclusion.
std::vector<std::string> conclusion_lines(const Conclusion& conclusion);

}  // namespace flashcore
