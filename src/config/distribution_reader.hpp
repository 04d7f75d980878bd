// Reads a distribution of lengths.
#pragma once

#include "base/json_document.hpp"
#include "trace/length_distribution.hpp"

namespace flashcore {

// {"distribution": "lognormal", "sequences": 64, "seed": 1, "kv": {"median": 1000, "sigma": 1.1, "max": 8192}, "q": 1}
// The parameters of "kv" and "q" are a number, which every sequence has, or an object: "max", "min" (default: 1) and,
// for lognormal, "median" and "sigma", for zipf "exponent" (default: 1). Throws UsageError.
LengthDistribution read_distribution(const JsonReader& reader);

}  // namespace flashcore
