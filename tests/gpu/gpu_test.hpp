// What the GPU tests share: a device or a reason to skip.
#pragma once

#include <gtest/gtest.h>

#include "device/device.hpp"
#include "execute/cuda_executor.hpp"
#include "execute/open_device.hpp"

namespace flashcore {

class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const CudaStatus status = cuda_status(); status.devices.empty()) GTEST_SKIP() << status.problem;
  }

  // One for the whole program: the context stays, as it does in a run.
  static CudaExecutor& executor() {
    static CudaExecutor instance(0);
    return instance;
  }
};

}  // namespace flashcore
