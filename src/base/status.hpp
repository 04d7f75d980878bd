// How a variant fared on a problem.
#pragma once

#include <string_view>

namespace flashcore {

enum class Status : int { ok, incorrect, unsupported, crashed, timeout, out_of_memory, error };

inline constexpr Status kAllStatuses[] = {Status::ok,      Status::incorrect, Status::unsupported,
                                          Status::crashed, Status::timeout,   Status::out_of_memory,
                                          Status::error};

constexpr std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::incorrect:
      return "incorrect";
    case Status::unsupported:
      return "unsupported";
    case Status::crashed:
      return "crashed";
    case Status::timeout:
      return "timeout";
    case Status::out_of_memory:
      return "out_of_memory";
    case Status::error:
      return "error";
  }
  return "?";
}

}  // namespace flashcore
