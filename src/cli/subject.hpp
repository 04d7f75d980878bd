// One variant on one problem, for the commands that look closely.
#pragma once

#include <string>
#include <string_view>

#include "config/plan.hpp"
#include "variant/variant.hpp"

namespace flashcore {

struct Subject {
  const Variant* variant;
  Plan plan;  // of one problem
};

// What such a command was given.
struct SubjectRequest {
  std::string_view command;     // "profile"
  std::string_view participle;  // "profiled"
  std::string variant;          // an id, or a glob that matches one
  std::string problem;          // as --problem; dtype and head_dim are the variant's unless it says otherwise
  Overrides overrides;          // the other flags
};

// Throws UsageError when the glob does not match one variant, or the flag does not make one problem.
Subject make_subject(const SubjectRequest& request);

}  // namespace flashcore
