// What can run where, before anything is allocated.
#pragma once

#include <string>
#include <string_view>

#include "attention/problem.hpp"
#include "execute/executor.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// A variant is compiled for one dtype and head_dim; problems of others are none of its business.
bool is_meant_for(const Variant& variant, const Problem& problem);

// Why the variant cannot run the problem on the device, or an empty string. Assumes well-aligned buffers.
std::string unsupported_reason(const Variant& variant, const Problem& problem, const DeviceInfo& device);

// The same for some small problem of the variant's dtype and head_dim: can it run on this device at all?
std::string unsupported_reason(const Variant& variant, const DeviceInfo& device);

// "cpu" or "cuda", as a person writes it: "the CPU", "a CUDA device".
std::string_view describe(Backend backend);

}  // namespace flashcore
