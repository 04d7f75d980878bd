// The ids of all variants, made once: a launch must not format a thousand of them to find one.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace flashcore {

class VariantIndex {
 public:
  // Of this process; made at the first call.
  static VariantIndex& instance();

  // Takes in what the registry got since. Texts handed out before stay where they are.
  void extend();

  const std::string& id(std::size_t place) const { return ids_[place]; }
  std::optional<std::size_t> find(std::string_view id) const;  // its place in all_variants()
  std::string_view nearest(std::string_view id) const;         // as nearest_word()

 private:
  std::deque<std::string> ids_;  // as all_variants()
  std::unordered_map<std::string_view, std::size_t> places_;
};

}  // namespace flashcore
