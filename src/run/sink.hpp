// The destination of records. A sink receives each record as soon as it is complete.
#pragma once

#include <cstddef>
#include <span>

#include "record/record.hpp"

namespace flashcore {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void add(const Record& record) = 0;
  // The records so far of a problem whose measuring goes on, by its place in the run. They take the place of those of the
  // call before; without records, the problem has none any more.
  virtual void preview(std::size_t /*problem*/, std::span<const Record> /*records*/) {}
  virtual void end_problem() {}  // after the last record of each problem
  virtual void finish() {}       // after the last record, also when the run was interrupted
};

}  // namespace flashcore
