// The destination of records. A sink receives each record as soon as it is complete.
#pragma once

#include "record/record.hpp"

namespace flashcore {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void add(const Record& record) = 0;
  virtual void end_problem() {}  // after the last record of each problem
  virtual void finish() {}       // after the last record, also when the run was interrupted
};

}  // namespace flashcore
