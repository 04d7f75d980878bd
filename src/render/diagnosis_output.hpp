// A diagnosis as text for people and as JSON.
#pragma once

#include <string>

#include "base/json.hpp"
#include "diagnose/diagnosis.hpp"

namespace flashcore {

// For a terminal: the verdict, the probes, the map of errors, the first bad element, the next commands.
std::string to_text(const Diagnosis& diagnosis, bool color);

Json to_json(const Diagnosis& diagnosis);

// A page of its own, without scripts or references to other places.
std::string to_html(const Diagnosis& diagnosis);

}  // namespace flashcore
