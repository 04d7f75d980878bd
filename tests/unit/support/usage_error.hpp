// Expects a UsageError whose message contains a text.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"

#define EXPECT_USAGE_ERROR(statement, part)                                                \
  try {                                                                                    \
    static_cast<void>(statement);                                                          \
    ADD_FAILURE() << "no error; expected: " << (part);                                     \
  } catch (const flashcore::UsageError& error) {                                           \
    const std::string message = error.what();                                              \
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << (part);  \
    EXPECT_EQ(message.find('\n'), std::string::npos) << "more than one line: " << message; \
  }                                                                                        \
  static_assert(true)
