// Finds variants by id. The ids are formatted once, so that a launch need not format a thousand of them.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace flashcore {

class VariantIndex {
 public:
  // The index of this process, made at the first call.
  static VariantIndex& instance();

  // Adds the variants that are new in the registry. Texts from id() stay valid.
  void extend();

  const std::string& id(std::size_t index) const { return ids_[index]; }
  std::optional<std::size_t> find(std::string_view id) const;  // the index in all_variants()
  std::string_view nearest(std::string_view id) const;         // by nearest_word()

 private:
  std::deque<std::string> ids_;  // in the order of all_variants()
  std::unordered_map<std::string_view, std::size_t> indices_;
};

}  // namespace flashcore
