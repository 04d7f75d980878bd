// The executor that runs CPU variants in this process.
#pragma once

#include <memory>

#include "execute/executor.hpp"

namespace flashcore {

std::unique_ptr<Executor> make_cpu_executor();

}  // namespace flashcore
