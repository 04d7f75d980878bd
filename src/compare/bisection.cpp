#include "compare/bisection.hpp"

namespace flashcore {

Bisection::Bisection(std::size_t last) : slow_(last), untestable_(last + 1) {}

std::optional<std::size_t> Bisection::next() const {
  const std::size_t middle = fast_ + (slow_ - fast_) / 2;
  for (std::size_t distance = 0; distance <= slow_ - fast_; ++distance) {
    for (const std::size_t place : {middle + distance, middle - distance}) {
      if (place > fast_ && place < slow_ && !untestable_[place]) return place;  // an underflow is above slow_
    }
  }
  return std::nullopt;
}

void Bisection::set(std::size_t place, Speed speed) {
  switch (speed) {
    case Speed::fast:
      fast_ = place;
      break;
    case Speed::slow:
      slow_ = place;
      break;
    case Speed::untestable:
      untestable_[place] = true;
      break;
  }
}

}  // namespace flashcore
