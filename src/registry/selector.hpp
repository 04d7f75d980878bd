// Which variants a run is about: globs over ids ("wmma/*", "!*/bf16_*") and attribute filters
// ({"family": "wmma", "block_q": [32, 64]}).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// What filters may ask for: family, dtype, backend and the names of kSpecFields.
std::span<const std::string_view> attribute_names();

// True for the attributes that hold a number: those of kSpecFields.
bool is_numeric_attribute(std::string_view name);

// An attribute as text, numbers in decimal. `name` is one of attribute_names().
std::string attribute_value(const Variant& variant, std::string_view name);

struct AttributeFilter {
  std::string name;
  std::vector<std::string> allowed;  // as attribute_value() writes them
};

// A glob over ids, or filters that must all hold.
struct SelectorTerm {
  std::string where;  // the JSON pointer or flag it came from, for messages
  bool exclude = false;
  std::string glob;  // empty: the filters decide
  std::vector<AttributeFilter> filters;

  bool matches(const Variant& variant) const;
  std::string text() const;  // as the user wrote it
};

// Terms are joined by "or"; what an excluding term matches is then taken away. With no including term the
// selection starts from every variant.
class Selector {
 public:
  // A leading '!' excludes.
  void add_glob(std::string_view glob, std::string_view where);
  // Throws UsageError when a name is no attribute.
  void add_filters(std::vector<AttributeFilter> filters, std::string_view where);

  bool empty() const { return terms_.empty(); }
  const std::vector<SelectorTerm>& terms() const { return terms_; }

  // Ladder order, each variant once. Throws UsageError when a term matches nothing, with the nearest family
  // or id, and when the terms leave nothing over. A term may match nothing when it names a family that this
  // build leaves out, as long as the others match something: one config then serves every build.
  std::vector<const Variant*> select(std::span<const Variant* const> variants) const;

  // One reason for each term that names such a family.
  std::vector<std::string> families_left_out() const;

 private:
  std::vector<SelectorTerm> terms_;
};

}  // namespace flashcore
