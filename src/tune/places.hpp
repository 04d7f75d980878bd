// Finds an element of a list without a look at all others.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace flashcore {

// The places of elements by a key. Equal elements have equal keys; others may have the same key.
class Places {
 public:
  void add(std::string key, std::size_t place) { places_.emplace(std::move(key), place); }

  // The place of the element with this key for which `is_it(place)` is true.
  template <class IsIt>
  std::optional<std::size_t> find(const std::string& key, const IsIt& is_it) const {
    for (auto [at, end] = places_.equal_range(key); at != end; ++at) {
      if (is_it(at->second)) return at->second;
    }
    return std::nullopt;
  }

 private:
  std::unordered_multimap<std::string, std::size_t> places_;
};

}  // namespace flashcore
