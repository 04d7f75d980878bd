// What a worker does after a request that ran the code of a plug-in.
#pragma once

#include <string>
#include <vector>

#include "variant/variant.hpp"
#include "worker/process_state.hpp"

namespace flashcore {

class Aftermath {
 public:
  // True if the variant's code is not of this program, so that it may leave anything behind. Python's kernels are not
  // meant: their frameworks have threads, processes and handlers of their own.
  static bool is_needed(const Variant& variant) { return !variant.file_hash().empty(); }

  // Restores the process. Throws EnvironmentError with the status `crashed` if the code has started processes that it
  // did not wait for; they are ended.
  LeftBehind clear();

 private:
  ProcessState state_;
};

}  // namespace flashcore
