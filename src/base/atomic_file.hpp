// Atomic writes: a reader of the file sees the old content or the new content, never a part of it.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string_view>

#include "base/descriptor.hpp"

namespace flashcore {

using TextParts = std::initializer_list<std::string_view>;

// What a path names, after its symbolic links. A stream is a device, a FIFO or a socket: it is written to and never
// replaced. So is a regular file that is this process's standard output or error.
enum class PathKind { absent, regular, folder, stream };
PathKind kind_of(const std::filesystem::path& path);

// The path after its symbolic links, also where the last one leads to nothing.
std::filesystem::path resolve_links(std::filesystem::path path);

// Writes the parts to a new file in the same folder, syncs it and renames it to `path`, which must be absent or
// regular. The file keeps the mode of the file that it replaces. On failure the old file is unchanged; throws
// EnvironmentError with the system's reason. Returns the new file, locked by flock(2).
Descriptor replace_file(const std::filesystem::path& path, TextParts parts);

// The same for a file that must not exist yet. Returns a closed descriptor if it exists.
Descriptor create_file(const std::filesystem::path& path, TextParts parts);

// Writes the parts to a device, a FIFO or standard output. Throws EnvironmentError.
void write_stream(const std::filesystem::path& path, TextParts parts);

// Throws EnvironmentError if no file can be created in the folder of `path`. Creates the folder.
void require_writable(const std::filesystem::path& path);

// Writes to whatever the path names: a stream is written to, a file is replaced. Throws EnvironmentError.
void write_atomically(const std::filesystem::path& path, TextParts parts);

}  // namespace flashcore
