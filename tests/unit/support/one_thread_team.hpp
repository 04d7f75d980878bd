// One thread as the team that makes a plan (kernels/blocks/work_plan.hpp).
#pragma once

#include <cstdint>

namespace flashcore {

struct OneThreadTeam {
  static int index() { return 0; }
  static int size() { return 1; }
  static void sync() {}
  static std::int64_t exclusive_sum(std::int64_t own, std::int64_t& all) {
    all = own;
    return 0;
  }
  static int minimum(int own) { return own; }
};

}  // namespace flashcore
