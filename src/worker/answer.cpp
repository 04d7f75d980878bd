#include "worker/answer.hpp"

#include <exception>
#include <new>
#include <optional>

#include "base/json_fields.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kSpareBytes = 1 << 20;

}  // namespace

Answerer::Answerer() : spare_memory_(std::make_unique<char[]>(kSpareBytes)) {}

std::string Answerer::answer(std::string_view line, const std::function<Json(const JsonReader&)>& perform) {
  std::string id;
  const auto with_id = [&](Json answer) {
    if (!id.empty()) answer[kIdKey] = id;
    return to_line(answer);
  };
  try {
    const JsonDocument document(line, "request");
    const JsonReader request(document);
    if (const auto found = find_field(request, kIdKey)) id = found->string();
    return with_id(perform(request));
  } catch (const EnvironmentError& error) {
    return with_id(failure_to_json(error.what(), error.status));
  } catch (const std::bad_alloc&) {
    spare_memory_.reset();
    return with_id(failure_to_json("host memory ran out", Status::out_of_memory));
  } catch (const std::exception& error) {
    return with_id(failure_to_json(error.what(), Status::error));
  }
}

}  // namespace flashcore
