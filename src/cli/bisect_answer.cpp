#include "cli/bisect_answer.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace flashcore {

std::string short_hash(const Commit& commit) { return commit.hash.substr(0, 12); }

std::string to_text(const BisectAnswer& answer) {
  std::string text;
  if (!answer.confirmed) text += "Cannot tell: the slow-down is not seen from one commit to the next.\n";
  const Commit& slow = answer.commits[answer.first_slow];
  if (answer.first_slow == answer.last_fast + 1) {
    text += fmt::format("{} is the first slow commit: {}\n", slow.hash, printable(slow.subject));
  } else {
    text += fmt::format("The first slow commit is one of these {}; those before the last cannot be tested:\n",
                        answer.first_slow - answer.last_fast);
    for (std::size_t i = answer.last_fast + 1; i <= answer.first_slow; ++i) {
      text += fmt::format("  {} {}\n", answer.commits[i].hash, printable(answer.commits[i].subject));
    }
  }
  return text + fmt::format("{} on {}: {} over {}, of {} over {}; {} builds of {} commits\n", answer.variant,
                            printable(answer.problem), percent(answer.step_ratio),
                            short_hash(answer.commits[answer.last_fast]), percent(answer.ratio),
                            short_hash(answer.commits.front()), answer.builds, answer.commits.size() - 1);
}

Json to_json(const BisectAnswer& answer) {
  Json json = {{"good", answer.commits.front().hash},
               {"bad", answer.commits.back().hash},
               {"problem", answer.problem},
               {"variant", answer.variant},
               {"builds", answer.builds},
               {"commits", answer.commits.size() - 1},
               {"change", answer.ratio - 1},
               {"first_slow", Json::array()}};
  for (std::size_t i = answer.last_fast + 1; i <= answer.first_slow; ++i) {
    json["first_slow"].push_back(
        {{"commit", answer.commits[i].hash}, {"subject", answer.commits[i].subject}});
  }
  json["change_of_first_slow"] = answer.step_ratio - 1;
  json["confirmed"] = answer.confirmed;
  json["steps"] = Json::array();
  for (const BisectStep& step : answer.steps) {
    Json entry = {{"commit", answer.commits[step.place].hash}};
    if (step.speed == Speed::untestable) {
      entry["untestable"] = true;
    } else {
      entry["change"] = step.over_good.value - 1;
      entry["interval"] = {step.over_good.low - 1, step.over_good.high - 1};
      entry["slow"] = step.speed == Speed::slow;
    }
    json["steps"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace flashcore
