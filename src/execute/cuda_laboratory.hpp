#pragma once

#include <memory>

#include "execute/laboratory.hpp"

namespace flashcore {

std::unique_ptr<Laboratory> make_cuda_laboratory(int device_index);

}  // namespace flashcore
