// How a worker answers one request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "worker/protocol.hpp"

namespace flashcore {

class Answerer {
 public:
  Answerer();

  // The answer to one line: {"result":…} from `perform`, or the error that it throws. It has the request's id.
  std::string answer(std::string_view line, const std::function<Json(const JsonReader&)>& perform);

 private:
  std::unique_ptr<char[]> spare_memory_;  // freed after std::bad_alloc, because the answer needs memory
};

}  // namespace flashcore
