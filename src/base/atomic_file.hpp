// Files that are whole at every moment.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace flashcore {

// Replaces the file at `path` in one step: the parts go to a temporary file beside it, which is synced and
// renamed; a symbolic link keeps its place and its target is replaced. Throws EnvironmentError with the
// system's reason; what stood at `path` is then untouched.
void write_atomically(const std::filesystem::path& path, std::initializer_list<std::string_view> parts);

// Makes the folder of `path` and tries to make a file in it, leaving none behind. Throws EnvironmentError.
void require_writable(const std::filesystem::path& path);

}  // namespace flashcore
