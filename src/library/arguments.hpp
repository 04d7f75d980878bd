// Checks the arguments of the C interface.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "attention/problem.hpp"
#include "capi/flashcore.h"

namespace flashcore {

// An exception with the status for the caller.
struct ApiError {
  flashcore_status status;
  std::string message;
};

// Throws ApiError with FLASHCORE_INVALID_ARGUMENT unless the condition holds.
void require(bool condition, std::string_view message);

// A problem with its pointers, sizes and strides.
struct Request {
  Problem problem;
  AttentionArgs args;
};

// Checks sizes, mask, strides and the alignment of pointers, which queries may leave null. Throws ApiError or
// UsageError with the name of the field. A ragged problem of version 2 has lengths that stand for the unknown ones:
// those of the longest sequence for all.
Problem checked_problem(const flashcore_attention* args);
Request checked_request(const flashcore_attention* args);
Request checked_request(const flashcore_attention_v2* args);

// Throws ApiError unless the pointer is a multiple of `bytes`.
inline constexpr std::size_t kWorkspaceAlignment = 256;
void check_alignment(const void* pointer, std::size_t bytes, std::string_view field);

// Throws ApiError if a tensor, a table or a mask is null that a launch needs.
void check_pointers(const AttentionArgs& args);

// Throws ApiError if an array of lengths is null that the sizes ask for. Plans and launches need them.
void check_arrays(const AttentionArgs& args);

// Throws ApiError unless lengths, or the used entries of the page table, are within the sizes. They are read, and must be
// in host memory.
void check_lengths(const AttentionArgs& args);
void check_pages(const AttentionArgs& args);

// --- For the checks of tensors

// Throws ApiError if a struct of `given_size` bytes is longer than `known_size` and has a byte past it that is not 0: a
// later version's member that this library would ignore.
void check_no_later_member(const void* given, std::size_t given_size, std::size_t known_size);

[[noreturn]] void fail_field(std::string_view field, std::string_view what);

// An axis of a tensor: how many places it has, and how many elements lie between two.
struct Axis {
  std::int64_t size;
  std::int64_t stride;
};

// The sizes of a tensor with strides of the caller.
struct Extent {
  std::int64_t batch;
  std::int64_t heads;
  std::int64_t rows;
  std::int64_t columns;

  std::array<Axis, 3> axes(const Strides& stride) const {
    return {{{batch, stride.batch}, {heads, stride.head}, {rows, stride.row}}};
  }
};

// Throws ApiError if a stride is negative or the last element lies beyond the address space. Returns the elements from
// the first to the last.
std::int64_t check_stride(const Strides& stride, const Extent& extent, std::string_view field);

// Throws ApiError if two elements share memory, as those of an output must not: each axis steps over everything that the
// axes with smaller strides span.
void check_distinct(const Strides& stride, const Extent& extent, std::string_view field);

}  // namespace flashcore
