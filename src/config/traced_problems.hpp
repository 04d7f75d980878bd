// A trace of calls becomes a few weighted problems of a model.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "config/call_file.hpp"
#include "config/layer_forms.hpp"

namespace flashcore {

// Problem objects of a config: at most `most` in all, shared by the forms, but at least one per form that has calls. The
// attention of a form has `kv` and `dtype`. Names are "<stem>-<form>-bin00"; the weight is layers times the calls that the
// problem stands for.
nlohmann::json traced_problems(const CallFile& file, std::span<const LayerForm> forms,
                               const std::string& stem, std::size_t most);

}  // namespace flashcore
