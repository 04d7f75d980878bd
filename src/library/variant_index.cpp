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
  for (std::size_t index = ids_.size(); index < all_variants().size(); ++index) {
    ids_.push_back(all_variants()[index]->id());
    indices_.emplace(ids_.back(), index);
  }
}

std::optional<std::size_t> VariantIndex::find(std::string_view id) const {
  const auto found = indices_.find(id);
  return found == indices_.end() ? std::nullopt : std::optional(found->second);
}

std::string_view VariantIndex::nearest(std::string_view id) const {
  const std::vector<std::string_view> ids(ids_.begin(), ids_.end());
  return nearest_word(id, ids);
}

}  // namespace flashcore
