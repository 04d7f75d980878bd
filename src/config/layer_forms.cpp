#include "config/layer_forms.hpp"

#include <fmt/format.h>

namespace flashcore {
namespace {

// "window" and "decode" make "window-decode".
std::string joined(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : fmt::format("{}-{}", a, b);
}

}  // namespace

Lengths LayerForm::part_of(const Lengths& call) const {
  Lengths part;
  for (std::size_t i = 0; i < call.q.size(); ++i) {
    if (!(call.q[i] == 1 ? takes_decodes : takes_prompts)) continue;
    part.q.push_back(call.q[i]);
    part.kv.push_back(attention.value("seq_kv", call.kv[i]));
  }
  return part;
}

std::vector<LayerForm> forms_of(const ModelPreset& model) {
  std::vector<LayerForm> forms;
  for (const LayerKind& kind : model.layers) {
    const std::string name = model.layers.size() > 1 ? kind.name : "";
    if (kind.decode == kind.prefill) {
      forms.push_back({.name = name, .layers = kind.count, .attention = kind.prefill});
      continue;
    }
    forms.push_back({joined(name, "prompts"), kind.count, kind.prefill, false, true});
    forms.push_back({joined(name, "decodes"), kind.count, kind.decode, true, false});
  }
  return forms;
}

}  // namespace flashcore
