// The worker's side of the protocol: calls an executor in this process for each request.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/aftermath.hpp"
#include "worker/answer.hpp"

namespace flashcore {

// Variants for a problem that are not known before it.
using FurtherVariants = std::function<std::vector<const Variant*>(const Problem&)>;

class JobServer {
 public:
  JobServer(Executor& executor, std::span<const Variant* const> variants, FurtherVariants further = {});

  // The answer to one line. Errors of requests and variants become answers, not exceptions.
  std::string answer(std::string_view line);

 private:
  Json perform(const JsonReader& request);
  Json prepare(const JsonReader& request);
  Json ids() const;
  Json inspect(const std::string& id) const;
  Json take_sample(const Variant& variant, TimingMode mode);
  Json clear();
  Json time_control(double us);
  Json verify_sample(const JsonReader& request);
  Json verify_replays(const JsonReader& request);
  Json measure_ceilings();
  // Throws UsageError if the call needs a problem and there is none.
  Call call_of(const JsonReader& request) const;
  const Variant& variant(const JsonReader& request) const;

  Executor& executor_;
  std::map<std::string, const Variant*, std::less<>> variants_;
  FurtherVariants further_;
  std::optional<Problem> problem_;  // the prepared problem
  Answerer answerer_;
  Aftermath aftermath_;
};

}  // namespace flashcore
