// The worker's side: requests become calls of an executor in this process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "worker/protocol.hpp"

namespace flashcore {

class JobServer {
 public:
  JobServer(Executor& executor, std::span<const Variant* const> variants);

  // The answer to one line. Throws nothing that a request or a variant could cause: failures are answers.
  std::string answer(std::string_view line);

 private:
  Json perform(const JsonReader& request);
  Json inspect(const std::string& id) const;
  Json take_sample(const Variant& variant, TimingMode mode);
  Json verify_sample(const JsonReader& request, TimingMode mode);
  const Variant& variant(const JsonReader& request) const;

  Executor& executor_;
  std::map<std::string, const Variant*, std::less<>> variants_;
  std::optional<Problem> problem_;   // that is prepared
  std::unique_ptr<char[]> reserve_;  // given up when memory has run out, so that this can be said
};

}  // namespace flashcore
