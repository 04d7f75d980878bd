// Reads files whose content nobody has checked yet. Every command reads its inputs here.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace flashcore {

// Limits of what is read. Regular files of results may be large; a FIFO has no size that one could know before.
inline constexpr std::uintmax_t kMaxDocumentBytes = std::uintmax_t{16} << 20;  // configs and policies
inline constexpr std::uintmax_t kMaxResultBytes = std::uintmax_t{4} << 30;
inline constexpr std::uintmax_t kMaxFifoBytes = std::uintmax_t{256} << 20;

struct InputRules {
  std::uintmax_t max_bytes = kMaxResultBytes;
  bool regular_only = false;  // refuses FIFOs too, as a folder's entries must not block
  bool is_input = true;       // see note_inputs()
};

// Throws UsageError with the path and the reason: the file cannot be opened, is a folder or a device, or is too large.
std::string read_input(const std::filesystem::path& path, const InputRules& rules = {});

// From now on, files that are read as inputs are noted, so that outputs do not replace them (base/output_file.hpp). For
// a process that runs one command: the process of a library reads what it wrote, and writes it again.
void note_inputs(bool are_noted);

// True if the file was read and noted, by whatever path.
bool is_input(const struct stat& file);

}  // namespace flashcore
