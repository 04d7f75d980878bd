// Hashes of the machine code of this program's CUDA kernels, so that two result files tell whether they timed
// the same code.
//
// Read from the section .nv_fatbin of an ELF file, which the linker fills with one container for each
// translation unit; a container holds one cubin (an ELF file of its own) for each architecture, and a cubin
// one section .text.<mangled name> for each kernel (CUDA Binary Utilities; the container's layout is that of
// fatbinary_section.h and of what nvcc 12 and 13 write).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace flashcore {

class MachineCode {
 public:
  // The kernels in the bytes of an ELF file that a device would load: of each container the newest cubin of
  // the device's major architecture. `compute_capability` is 10 · major + minor.
  MachineCode(std::string_view elf, int compute_capability);

  // Those of the file on disk that this function was loaded from, program or library.
  static MachineCode of_this_program(int compute_capability);

  // 16 hexadecimal digits (base/hash.hpp), or nothing when there is no such kernel.
  std::string hash(std::string_view mangled_name) const;
  std::size_t size() const { return hashes_.size(); }

  // Why there is no kernel at all; else empty.
  const std::string& problem() const { return problem_; }

 private:
  std::map<std::string, std::string, std::less<>> hashes_;  // by mangled name
  std::string problem_;
};

}  // namespace flashcore
