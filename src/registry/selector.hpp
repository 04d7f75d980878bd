// Selects variants by globs over ids ("wmma/*", "!*/bf16_*") and by attribute filters ({"family": "wmma",
// "block_q": [32, 64]}).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// The attributes for filters: family, dtype, backend and the names of kSpecFields.
std::span<const std::string_view> attribute_names();

// True for the names of kSpecFields.
bool is_numeric_attribute(std::string_view name);

// The value of an attribute as text. `name` must be one of attribute_names().
std::string attribute_value(const Variant& variant, std::string_view name);

struct AttributeFilter {
  std::string name;
  std::vector<std::string> allowed;  // values in the form of attribute_value()
};

// Either a glob over ids or a list of filters that must all pass.
struct SelectorTerm {
  std::string where;  // JSON pointer or flag of the term, for messages
  bool exclude = false;
  std::string glob;  // empty: use the filters
  std::vector<AttributeFilter> filters;

  bool matches(const Variant& variant) const;
  std::string text() const;  // as the user wrote it
};

// A variant is selected if at least one including term matches it and no excluding term does. Without an
// including term, all variants count as included.
class Selector {
 public:
  // A leading '!' makes the term an excluding one.
  void add_glob(std::string_view glob, std::string_view where);
  // Throws UsageError if a name is not an attribute.
  void add_filters(std::vector<AttributeFilter> filters, std::string_view where);

  bool empty() const { return terms_.empty(); }
  const std::vector<SelectorTerm>& terms() const { return terms_; }

  // The selected variants in ladder order, each once. Throws UsageError with the nearest family or id if a
  // term matches nothing, and if nothing remains selected. A term for a family that this build does not
  // contain may match nothing if other terms match, so one config works for every build.
  std::vector<const Variant*> select(std::span<const Variant* const> variants) const;

  // One reason per term whose family this build does not contain.
  std::vector<std::string> families_left_out() const;

 private:
  std::vector<SelectorTerm> terms_;
};

}  // namespace flashcore
