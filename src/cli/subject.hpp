// One variant on one problem, for profile and diagnose.
#pragma once

#include <string>
#include <string_view>

#include "config/plan.hpp"
#include "variant/variant.hpp"

namespace flashcore {

struct Subject {
  const Variant* variant;
  Plan plan;  // has one problem
};

// The arguments of such a command.
struct SubjectRequest {
  std::string_view command;     // "profile"
  std::string_view participle;  // "profiled"
  std::string variant;          // an id, or a glob that matches exactly one
  std::string problem;          // a value of --problem; dtype and head_dim default to the variant's
  Overrides overrides;          // the other flags
};

// Throws UsageError unless the glob matches exactly one variant and --problem gives exactly one problem.
Subject make_subject(const SubjectRequest& request);

}  // namespace flashcore
