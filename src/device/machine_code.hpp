// Hashes of the machine code of this program's CUDA kernels. They show whether two result files timed the
// same code.
//
// The code is in the section .nv_fatbin of the program's ELF file. The section has one container per
// translation unit, a container has one cubin (an ELF file itself) per architecture, and a cubin has one
// section .text.<mangled name> per kernel (CUDA Binary Utilities). The layout of a container follows
// fatbinary_section.h and the output of nvcc 12 and 13.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "variant/variant.hpp"

namespace flashcore {

class MachineCode {
 public:
  MachineCode() = default;  // without kernels
  // Reads an ELF file. Takes the cubin of each container that the device would load: the newest one of its
  // major architecture. `compute_capability` is 10 · major + minor.
  MachineCode(std::string_view elf, int compute_capability);

  // Reads the program or library file that contains this function.
  static MachineCode of_this_program(int compute_capability);

  // 16 hexadecimal digits (base/hash.hpp); empty if there is no such kernel.
  std::string hash(std::string_view mangled_name) const;
  std::size_t size() const { return hashes_.size(); }

  // Why no kernel was found; empty if there are kernels.
  const std::string& problem() const { return problem_; }

 private:
  std::map<std::string, std::string, std::less<>> hashes_;  // by mangled name
  std::string problem_;
};

// The hash of the code of a variant; empty if it is unknown. Variants of the CPU have the hash of all CPU kernels, those of a
// plug-in have the hash of its file. Neither needs `cuda`.
std::string code_hash_of(const Variant& variant, const MachineCode& cuda = {});

}  // namespace flashcore
