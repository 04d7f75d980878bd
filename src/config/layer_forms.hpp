// The parts of a call that a kind of layers computes in one way each.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attention/lengths.hpp"
#include "config/model_reader.hpp"

namespace flashcore {

// A model that attends to latent vectors computes sequences with one query in another form than the others; all other
// models compute a call at once.
struct LayerForm {
  std::string name;  // after the name of a problem: "", "window", "window-decode"
  std::int64_t layers = 1;
  nlohmann::json attention;  // fields of a problem, without lengths
  bool takes_decodes = true;
  bool takes_prompts = true;

  // The sequences that it takes. Keys are those of other tokens if the kind attends to them.
  Lengths part_of(const Lengths& call) const;
};

std::vector<LayerForm> forms_of(const ModelPreset& model);

}  // namespace flashcore
