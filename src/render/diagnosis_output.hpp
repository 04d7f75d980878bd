// A diagnosis as text for people and as JSON.
#pragma once

#include <string>

#include "base/json.hpp"
#include "diagnose/diagnosis.hpp"

namespace flashcore {

// For a terminal: the verdict, the evidence, the map, the first bad element, what to run next.
std::string to_text(const Diagnosis& diagnosis, bool color);

Json to_json(const Diagnosis& diagnosis);

// A page of its own, without scripts or references to other places.
std::string to_html(const Diagnosis& diagnosis);

}  // namespace flashcore
