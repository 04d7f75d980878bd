#include "render/conclusion_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "conclude/budget.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kListedProblems = 10;  // a run of more prints only the extremes
constexpr int kMostDecimals = 3;

constexpr std::string_view kPeerPrefix = "peer_";
constexpr std::pair<std::string_view, std::string_view> kPeerWords[] = {
    {"torch_", "PyTorch "}, {"cudnn", "cuDNN"}, {"fa3", "FA3"}, {"fa4", "FA4"}};

// "is 1.14 ± 0.01 times faster than", or "slower".
std::string faster_than(std::string_view verb, const Advantage& over) {
  const bool slower = over.ratio < 1;
  return fmt::format("{} {} times {} than", verb, ratio_text(slower ? over.inverted() : over),
                     slower ? "slower" : "faster");
}

std::string clause(std::string_view subject, const Standing& standing, std::string_view role,
                   const Quote& quote) {
  const std::string other = fmt::format("{} ({})", quote(standing.other), role);
  const std::string mark = standing.falls_short ? fmt::format(" {}", kShortSign) : "";
  if (standing.over.tied) {
    return fmt::format("{} and {} are equally fast within the noise{}", subject, other, mark);
  }
  return fmt::format("{} {} {}{}", subject, faster_than("is", standing.over), other, mark);
}

std::string invariance_clause(const InvarianceCost& cost, const Quote& quote) {
  if (cost.is_fastest) return "it is batch invariant";
  const std::string subject = fmt::format("the fastest batch-invariant variant, {},", quote(cost.variant));
  const std::string mark = cost.falls_short ? fmt::format(" {}", kShortSign) : "";
  if (cost.of_fastest.tied) return fmt::format("{} is equally fast within the noise{}", subject, mark);
  return fmt::format("{} takes {} times as long{}", subject, ratio_text(cost.of_fastest), mark);
}

std::string_view base_role(bool named) { return named ? "the baseline" : "the first row"; }

std::string subject_of(const ProblemConclusion& problem, const Quote& quote) {
  std::string subject = quote(problem.fastest);
  if (problem.is_baseline && problem.has_named_baseline) subject += " (the baseline)";
  if (problem.ties.empty()) return subject;
  return problem.ties.size() == 1 ? fmt::format("{}, tied with {},", subject, quote(problem.ties.front()))
                                  : fmt::format("{}, tied with {} others,", subject, problem.ties.size());
}

std::string mean_sentence(const Mean& mean, std::string_view other) {
  return fmt::format("{} × {} over {} problems; {} won, {} tied, {} lost", ratio_text(mean.over), other,
                     mean.problems, mean.won, mean.tied, mean.lost);
}

std::string best_of(const std::vector<std::string>& peers) {
  std::vector<std::string> names;
  for (const std::string& family : peers) names.push_back(peer_name(family));
  return names.size() == 1 ? names.front() : fmt::format("the best of {}", fmt::join(names, ", "));
}

std::string device_of(const Json& environment) {
  const Json::json_pointer name{"/device/name"};
  if (!environment.contains(name) || !environment.at(name).is_string()) return "device";
  return environment.at(name).get<std::string>();
}

// "--budget 45 would do", as far as that can be known.
std::string budget_advice(const Caveats& caveats, std::optional<double> budget_s,
                          const MeasurePolicy& policy) {
  const bool all_at_limit = caveats.few_samples == 0 && caveats.at_limit == caveats.wide;
  std::string limit = caveats.at_limit == 0
                          ? ""
                          : fmt::format("; {} of these would need more than max_samples, {}",
                                        caveats.at_limit, policy.max_samples);
  if (all_at_limit) return limit;
  const std::string advice =
      budget_s ? fmt::format("--budget {} would do", format_significant(with_two_digits(*budget_s), 2))
               : "which --budget would do is not known";
  return fmt::format("{}; {}{}", limit, advice, limit.empty() ? "" : " for the others");
}

std::string shortfall_sentence(const Caveats& caveats, const MeasurePolicy& policy,
                               std::optional<double> budget_s, std::string_view rows) {
  std::vector<std::string> parts;
  const auto add = [&](std::int64_t count, const std::string& what) {
    if (count == 0) return;
    parts.push_back(
        fmt::format("{} of {} {} {} {}", count, caveats.timed, rows, count == 1 ? "has" : "have", what));
  };
  add(caveats.few_samples, fmt::format("fewer than {} samples (min_samples)", policy.min_samples));
  add(caveats.wide,
      fmt::format("an interval wider than {:g} % (relative_width)", 100 * policy.relative_width));
  return fmt::format("{}{}", fmt::join(parts, ", "), budget_advice(caveats, budget_s, policy));
}

std::string line_of(const ProblemConclusion& problem) {
  const auto plain = [](std::string_view id) { return printable(id); };
  return fmt::format("{}: {}", printable(problem.problem), sentence(problem, plain));
}

// The problems with the least and with the largest advantage over the fastest peer; without peers, over the baseline.
std::vector<std::string> extremes(const std::vector<ProblemConclusion>& problems) {
  std::vector<const ProblemConclusion*> compared;
  for (const ProblemConclusion& problem : problems) {
    if (problem.main() != nullptr) compared.push_back(&problem);
  }
  const auto beside_peer = [](const ProblemConclusion* problem) {
    return problem->peer || problem->baseline_is_peer;
  };
  if (std::ranges::any_of(compared, beside_peer)) {
    std::erase_if(compared, [&](const ProblemConclusion* problem) { return !beside_peer(problem); });
  }
  if (compared.empty()) return {};
  const auto [least, most] = std::ranges::minmax_element(
      compared, {}, [](const ProblemConclusion* problem) { return problem->main()->over.ratio; });
  return {"least, on " + line_of(**least), "most, on " + line_of(**most)};
}

}  // namespace

std::string meaning_of_short(const MeasurePolicy& policy) {
  return fmt::format("fewer than {} samples of one of its times, or an interval wider than {:g} %",
                     policy.min_samples, 100 * policy.relative_width);
}

std::string ratio_text(const Advantage& over) {
  const double half = std::max(over.high - over.ratio, over.ratio - over.low);
  if (!over.has_interval || !std::isfinite(half)) return format_significant(over.ratio, 3);
  // As many decimals as the uncertainty has: one digit, or two when the first is a 1.
  const double place = half > 0 ? std::floor(std::log10(half / 2)) : -kMostDecimals;
  const int decimals = static_cast<int>(std::clamp(-place, 0.0, static_cast<double>(kMostDecimals)));
  const double step = std::pow(10, -decimals);
  const double shown = std::max(std::ceil(half / step * (1 - 1e-9)), 1.0) * step;
  return fmt::format("{:.{}f} ± {:.{}f}", over.ratio, decimals, shown, decimals);
}

std::string sentence(const ProblemConclusion& problem, const Quote& quote) {
  std::vector<std::string> clauses;
  std::string subject = subject_of(problem, quote);
  const auto add = [&](const std::optional<Standing>& standing, std::string_view role) {
    if (standing) clauses.push_back(clause(std::exchange(subject, "it"), *standing, role, quote));
  };
  const std::string_view role = base_role(problem.has_named_baseline);
  add(problem.baseline,
      problem.baseline_is_peer ? fmt::format("{} and the fastest peer", role) : std::string(role));
  add(problem.peer, "the fastest peer");
  if (clauses.empty()) clauses.push_back(subject + " is the fastest");
  if (problem.invariance) clauses.push_back(invariance_clause(*problem.invariance, quote));
  return fmt::format("{}", fmt::join(clauses, "; "));
}

std::string peer_name(std::string_view family) {
  if (!family.starts_with(kPeerPrefix)) return std::string(family);
  std::string name(family.substr(kPeerPrefix.size()));
  for (const auto& [word, shown] : kPeerWords) {
    if (const std::size_t place = name.find(word); place != name.npos)
      name.replace(place, word.size(), shown);
  }
  return name;
}

std::vector<std::string> mean_sentences(const Conclusion& conclusion) {
  std::vector<std::string> sentences;
  const auto add = [&](const std::optional<Mean>& mean, std::string_view other) {
    if (mean && mean->problems > 1) sentences.push_back(mean_sentence(*mean, other));
  };
  if (const auto cost = conclusion.of_invariance(); cost && cost->problems > 1) {
    sentences.push_back(fmt::format(
        "the fastest batch-invariant variant takes {} times as long as the fastest over {} problems",
        ratio_text(cost->over), cost->problems));
  }
  // Where the baseline is the fastest peer everywhere, one sentence says both.
  const auto is_peer = [](const ProblemConclusion& problem) { return problem.baseline_is_peer; };
  if (!std::ranges::all_of(conclusion.problems(), is_peer)) {
    add(conclusion.over_baseline(), base_role(!conclusion.baseline().empty()));
  }
  add(conclusion.over_peer(), best_of(conclusion.peers()));
  return sentences;
}

std::string total_sentence(const Conclusion& conclusion) {
  std::string text;
  bool has_own = false;
  for (const WeightedTotal& total : conclusion.totals().totals()) {
    const bool is_best = total.variant.empty();
    if (!is_best && !total.is_peer && has_own) continue;
    has_own = has_own || (!is_best && !total.is_peer);
    text +=
        fmt::format("{}{} ms with {}", text.empty() ? "" : ", ", format_significant(total.seconds * 1e3, 4),
                    is_best ? "the fastest of each" : total.variant);
  }
  if (text.empty()) return text;
  return fmt::format("weighted sum over {} problems: {}", conclusion.totals().problems(), text);
}

std::string headline(const Conclusion& conclusion, const Json& environment) {
  const std::string begin = fmt::format("on this {}: ", device_of(environment));
  const std::vector<std::string> means = mean_sentences(conclusion);
  if (!means.empty()) return begin + means.back();
  if (conclusion.problems().empty()) return begin + "no problem has two timed variants to compare";
  const ProblemConclusion& first = conclusion.problems().front();
  const auto as_it_is = [](std::string_view id) { return std::string(id); };
  return fmt::format("{}{}, on {}", begin, sentence(first, as_it_is), first.problem);
}

std::vector<std::string> caveat_sentences(const Caveats& caveats, const MeasurePolicy& policy,
                                          std::optional<double> budget_s, std::string_view rows) {
  std::vector<std::string> warnings;
  if (caveats.few_samples + caveats.wide > 0) {
    warnings.push_back(shortfall_sentence(caveats, policy, budget_s, rows));
  }
  if (caveats.clocks_wandered > 0) {
    warnings.push_back(fmt::format(
        "the SM clock moved by more than 5 % during {} of {} records{}", caveats.clocks_wandered,
        caveats.timed, policy.pacing == Pacing::burst ? "" : ": --pacing burst keeps it at its maximum"));
  }
  if (caveats.throttled > 0) {
    const std::vector<std::string> reasons = throttle_reason_names(caveats.throttle_reasons);
    warnings.push_back(fmt::format("the clocks were held down during {} of {} records{}{}", caveats.throttled,
                                   caveats.timed, reasons.empty() ? "" : ": ", fmt::join(reasons, ", ")));
  }
  return warnings;
}

std::string busy_sentence(double load, double cores) {
  if (!is_busy(load, cores)) return "";
  return fmt::format("load {:.0f} on {} cores: times are upper bounds", load, cores);
}

std::vector<std::string> file_cautions(const Conclusion& conclusion, const Json& environment) {
  std::vector<std::string> cautions = caveat_sentences(conclusion.caveats(), conclusion.policy());
  const auto number_at = [&](const char* pointer) {
    const Json::json_pointer place{pointer};
    return environment.contains(place) && environment.at(place).is_number()
               ? environment.at(place).get<double>()
               : 0;
  };
  const Json::json_pointer backend{"/device/backend"};
  const bool on_cpu = environment.contains(backend) && environment.at(backend) == to_string(Backend::cpu);
  const double cores = number_at("/host/cores");
  if (!on_cpu || cores <= 0) return cautions;
  if (std::string busy = busy_sentence(number_at("/host/load_1min"), cores); !busy.empty()) {
    cautions.push_back(std::move(busy));
  }
  return cautions;
}

std::vector<std::string> conclusion_lines(const Conclusion& conclusion) {
  std::vector<std::string> lines;
  if (conclusion.problems().size() > kListedProblems) {
    lines = extremes(conclusion.problems());
  } else {
    for (const ProblemConclusion& problem : conclusion.problems()) lines.push_back(line_of(problem));
  }
  if (std::string total = total_sentence(conclusion); !total.empty()) lines.push_back(std::move(total));
  for (std::string& mean : mean_sentences(conclusion)) lines.push_back(std::move(mean));
  return lines;
}

}  // namespace flashcore
