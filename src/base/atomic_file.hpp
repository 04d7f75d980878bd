// Atomic writes: a reader of the file sees the old content or the new content, never a part of it.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace flashcore {

// Writes the parts to a temporary file in the same folder, syncs it and renames it to `path`. If `path` is a
// symbolic link, its target is replaced. On failure the old file is unchanged; throws EnvironmentError with
// the system's reason.
void write_atomically(const std::filesystem::path& path, std::initializer_list<std::string_view> parts);

// Creates the folder of `path` and tests that a file can be created in it. Throws EnvironmentError.
void require_writable(const std::filesystem::path& path);

}  // namespace flashcore
