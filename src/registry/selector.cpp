#include "registry/selector.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/names.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

const SpecField* find_spec_field(std::string_view name) {
  const auto* field = std::ranges::find(kSpecFields, name, &SpecField::name);
  return field == std::end(kSpecFields) ? nullptr : field;
}

bool is_allowed(const Variant& variant, const AttributeFilter& filter) {
  return std::ranges::count(filter.allowed, attribute_value(variant, filter.name)) > 0;
}

// The different values of an attribute, in ladder order.
std::vector<std::string> values_of(std::span<const Variant* const> variants, std::string_view attribute) {
  std::vector<std::string> values;
  for (const Variant* variant : variants) {
    std::string value = attribute_value(*variant, attribute);
    if (std::ranges::count(values, value) == 0) values.push_back(std::move(value));
  }
  return values;
}

std::string suggest(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  return suggestion(word, views);
}

// The reason why a valid term matches nothing: this build does not contain its family or backend.
std::optional<std::string> not_compiled_in(const SelectorTerm& term) {
  std::string family = term.glob.substr(0, term.glob.find('/'));
  std::string backend;
  for (const AttributeFilter& filter : term.filters) {
    if (filter.name == "family") family = filter.allowed.front();
    if (filter.name == "backend") backend = filter.allowed.front();
  }
  for (const DeclaredFamily& declared : declared_families()) {
    const bool named = declared.name == family || (family.empty() && to_string(declared.backend) == backend);
    if (named && !declared.compiled_in) {
      return fmt::format("needs {}, which this program was built without", to_string(declared.backend));
    }
  }
  return std::nullopt;
}

// Explains why a glob matches no id: either its family is unknown, or no variant of the family matches.
std::string explain_glob(const SelectorTerm& term, std::span<const Variant* const> variants) {
  const std::string_view glob = term.glob;
  const std::string_view family = glob.substr(0, glob.find('/'));
  const bool whole_family = glob.find('/') == std::string_view::npos;
  std::vector<std::string> candidates;
  bool family_known = false;
  for (const std::string& name : values_of(variants, "family")) {
    family_known = family_known || (!whole_family && glob_match(family, name));
    candidates.push_back(name + "/*");
  }
  if (family_known) {
    candidates.clear();
    for (const Variant* variant : variants) {
      if (glob_match(family, variant->family)) candidates.push_back(variant->id());
    }
    const std::vector<std::string_view> ids(candidates.begin(), candidates.end());
    const std::string_view nearest = nearest_word(glob, ids);
    return fmt::format("no variant matches, did you mean {}?", nearest.empty() ? ids.front() : nearest);
  }
  return "no variant matches" + suggest(fmt::format("{}/*", family), candidates);
}

std::string explain_filters(const SelectorTerm& term, std::span<const Variant* const> variants) {
  for (const AttributeFilter& filter : term.filters) {
    const bool any = std::ranges::any_of(variants, [&](const Variant* v) { return is_allowed(*v, filter); });
    if (any) continue;
    const std::string& wanted = filter.allowed.front();
    const std::vector<std::string> values = values_of(variants, filter.name);
    const std::string text =
        fmt::format("no variant has {} {}", filter.name, fmt::join(filter.allowed, ", "));
    if (!is_numeric_attribute(filter.name)) return text + suggest(wanted, values);
    return fmt::format("{}; there are: {}", text, fmt::join(values, ", "));
  }
  return "no variant passes all filters of this term";
}

std::string explain(const SelectorTerm& term, std::span<const Variant* const> variants) {
  const std::string why = term.glob.empty() ? explain_filters(term, variants) : explain_glob(term, variants);
  return fmt::format("{}: {}: {}", term.where, term.text(), why);
}

}  // namespace

std::span<const std::string_view> attribute_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all = {"family", "dtype", "backend"};
    for (const SpecField& field : kSpecFields) all.push_back(field.name);
    return all;
  }();
  return names;
}

bool is_numeric_attribute(std::string_view name) { return find_spec_field(name) != nullptr; }

std::string attribute_value(const Variant& variant, std::string_view name) {
  if (name == "family") return std::string(variant.family);
  if (name == "dtype") return std::string(to_string(variant.spec.dtype));
  if (name == "backend") return std::string(to_string(variant.backend));
  const SpecField* field = find_spec_field(name);
  return field == nullptr ? std::string() : std::to_string(field->get(variant.spec));
}

bool SelectorTerm::matches(const Variant& variant) const {
  if (!glob.empty()) return glob_match(glob, variant.id());
  return std::ranges::all_of(filters, [&](const AttributeFilter& f) { return is_allowed(variant, f); });
}

std::string SelectorTerm::text() const {
  if (!glob.empty()) return fmt::format("\"{}{}\"", exclude ? "!" : "", glob);
  std::vector<std::string> parts;
  for (const AttributeFilter& filter : filters) {
    parts.push_back(fmt::format("{}={}", filter.name, fmt::join(filter.allowed, "|")));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

void Selector::add_glob(std::string_view glob, std::string_view where) {
  const bool exclude = glob.starts_with('!');
  if (exclude) glob.remove_prefix(1);
  if (glob.empty()) throw UsageError(fmt::format("{}: the pattern is empty", where));
  terms_.push_back(
      {.where = std::string(where), .exclude = exclude, .glob = std::string(glob), .filters = {}});
}

void Selector::add_filters(std::vector<AttributeFilter> filters, std::string_view where) {
  if (filters.empty()) throw UsageError(fmt::format("{}: a filter needs at least one attribute", where));
  for (const AttributeFilter& filter : filters) {
    if (std::ranges::count(attribute_names(), filter.name) == 0) {
      throw UsageError(fmt::format("{}/{}: unknown attribute{}", where, filter.name,
                                   suggestion(filter.name, attribute_names())));
    }
    if (filter.allowed.empty()) {
      throw UsageError(fmt::format("{}/{}: needs at least one value", where, filter.name));
    }
  }
  terms_.push_back(
      {.where = std::string(where), .exclude = false, .glob = {}, .filters = std::move(filters)});
}

std::vector<const Variant*> Selector::select(std::span<const Variant* const> variants) const {
  std::vector<bool> chosen(variants.size(), std::ranges::all_of(terms_, &SelectorTerm::exclude));
  // All inclusions come before all exclusions, in any order of the terms.
  for (const bool exclude : {false, true}) {
    for (const SelectorTerm& term : terms_) {
      if (term.exclude != exclude) continue;
      bool any = false;
      for (std::size_t i = 0; i < variants.size(); ++i) {
        if (!term.matches(*variants[i])) continue;
        any = true;
        chosen[i] = !exclude;
      }
      if (!any && !not_compiled_in(term)) throw UsageError(explain(term, variants));
    }
  }
  std::vector<const Variant*> selected;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    if (chosen[i]) selected.push_back(variants[i]);
  }
  if (!selected.empty()) return selected;
  if (const std::vector<std::string> reasons = families_left_out(); !reasons.empty()) {
    throw UsageError(reasons.front());
  }
  const std::string where = terms_.empty() ? std::string("variants") : terms_.back().where;
  throw UsageError(fmt::format("{}: excludes all selected variants", where));
}

std::vector<std::string> Selector::families_left_out() const {
  std::vector<std::string> reasons;
  for (const SelectorTerm& term : terms_) {
    const auto reason = not_compiled_in(term);
    if (reason) reasons.push_back(fmt::format("{}: {}: {}", term.where, term.text(), *reason));
  }
  return reasons;
}

}  // namespace flashcore
