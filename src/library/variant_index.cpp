#include "library/variant_index.hpp"

#include <vector>

#include "base/names.hpp"
#include "registry/registry.hpp"

namespace flashcore {

VariantIndex& VariantIndex::instance() {
  static VariantIndex index = [] {
    VariantIndex made;
    made.extend();
    return made;
  }();
  return index;
}

void VariantIndex::extend() {
  for (std::size_t place = ids_.size(); place < all_variants().size(); ++place) {
    ids_.push_back(all_variants()[place]->id());
    places_.emplace(ids_.back(), place);
  }
}

std::optional<std::size_t> VariantIndex::find(std::string_view id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

std::string_view VariantIndex::nearest(std::string_view id) const {
  const std::vector<std::string_view> ids(ids_.begin(), ids_.end());
  return nearest_word(id, ids);
}

}  // namespace flashcore
