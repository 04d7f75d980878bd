#include "variant/spec.hpp"

#include <fmt/format.h>

namespace flashcore {

std::string variant_id(std::string_view family, const VariantSpec& spec) {
  std::string id = fmt::format("{}/{}", family, to_string(spec.dtype));
  for (const SpecField& field : kSpecFields) {
    if (const int value = field.get(spec); value != 0) id += fmt::format("_{}{}", field.id_prefix, value);
  }
  return id;
}

}  // namespace flashcore
