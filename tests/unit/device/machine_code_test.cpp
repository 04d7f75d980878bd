// Builds fat binaries byte by byte. A CUDA build also reads its own.
#include "device/machine_code.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "registry/registry.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string padded(std::string text) {
  text.resize((text.size() + 7) / 8 * 8);
  return text;
}

// An ELF64 file with the given sections: header, contents, names, section headers.
std::string elf_file(const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string contents(sizeof(Elf64_Ehdr), '\0');
  std::string names(1, '\0');
  std::string headers = bytes_of(Elf64_Shdr{});
  const auto add = [&](const std::string& name, const std::string& bytes) {
    Elf64_Shdr header{};
    header.sh_type = SHT_PROGBITS;
    header.sh_name = static_cast<Elf64_Word>(names.size());
    header.sh_offset = contents.size();
    header.sh_size = bytes.size();
    headers += bytes_of(header);
    names += name + '\0';
    contents += padded(bytes);
  };
  for (const auto& [name, bytes] : sections) add(name, bytes);
  add(".shstrtab", names + std::string(".shstrtab") + '\0');
  Elf64_Ehdr header{};
  std::copy_n(ELFMAG, SELFMAG, header.e_ident);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_shoff = contents.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(sections.size() + 2);
  header.e_shstrndx = static_cast<Elf64_Half>(sections.size() + 1);
  const std::string first = bytes_of(header);
  std::copy(first.begin(), first.end(), contents.begin());
  return contents + headers;
}

// An entry of a container with a header of 64 bytes, as nvcc writes it.
std::string entry(int architecture, const std::string& payload, std::uint16_t kind = 2,
                  std::uint64_t flags = 0x11) {
  std::string header = bytes_of(kind) + bytes_of(std::uint16_t{0x101}) + bytes_of(std::uint32_t{64}) +
                       bytes_of(std::uint64_t{payload.size()}) + std::string(12, '\0') +
                       bytes_of(static_cast<std::uint32_t>(architecture)) + std::string(8, '\0') +
                       bytes_of(flags);
  header.resize(64);
  return header + payload;
}

std::string container(const std::string& entries) {
  return bytes_of(std::uint32_t{0xBA55ED50}) + bytes_of(std::uint16_t{1}) + bytes_of(std::uint16_t{16}) +
         bytes_of(std::uint64_t{entries.size()}) + entries;
}

std::string cubin(const std::string& kernel, const std::string& code) {
  return elf_file({{".nv.info", "not code"}, {".text." + kernel, code}});
}

std::string program(const std::string& fatbin) {
  return elf_file({{".text", "host code"}, {".nv_fatbin", fatbin}});
}

TEST(MachineCode, FindsKernelsOfEveryTranslationUnit) {
  const std::string gap(24, '\0');
  const MachineCode code(program(container(entry(90, cubin("one", "SASS of one"))) + gap +
                                 container(entry(90, cubin("two", "SASS of two")))),
                         90);
  EXPECT_EQ(code.problem(), "");
  EXPECT_EQ(code.size(), 2u);
  EXPECT_EQ(code.hash("one"), hash_hex("SASS of one"));
  EXPECT_EQ(code.hash("two"), hash_hex("SASS of two"));
  EXPECT_EQ(code.hash("three"), "");
}

TEST(MachineCode, TakesTheCubinThatTheDeviceWouldLoad) {
  const std::string file = program(container(entry(80, cubin("k", "80"), 1) +  // PTX
                                             entry(80, cubin("k", "80")) + entry(89, cubin("k", "89")) +
                                             entry(90, cubin("k", "90"))));
  EXPECT_EQ(MachineCode(file, 80).hash("k"), hash_hex("80"));
  EXPECT_EQ(MachineCode(file, 86).hash("k"), hash_hex("80"));
  EXPECT_EQ(MachineCode(file, 89).hash("k"), hash_hex("89"));
  EXPECT_EQ(MachineCode(file, 90).hash("k"), hash_hex("90"));
  expect_contains(MachineCode(file, 100).problem(), "no machine code for compute capability 10.0");
}

TEST(MachineCode, HashChangesWithOneByteAndIsStableForTheSameCode) {
  const auto hash = [](const std::string& code) {
    return MachineCode(program(container(entry(90, cubin("k", code)))), 90).hash("k");
  };
  const std::string code(4096, 'x');
  std::string changed = code;
  changed[2000] = 'y';
  EXPECT_EQ(hash(code), hash(code));
  EXPECT_NE(hash(code), hash(changed));
}

TEST(MachineCode, HasAReasonIfThereIsNoKernel) {
  EXPECT_EQ(MachineCode("", 90).size(), 0u);
  expect_contains(MachineCode("", 90).problem(), "cannot be read");
  expect_contains(MachineCode(std::string(200, 'x'), 90).problem(), "not a 64-bit ELF file");
  expect_contains(MachineCode(elf_file({}), 90).problem(), "no machine code");
  const std::string compressed = program(container(entry(90, "zstd", 2, 0x8011)));
  expect_contains(MachineCode(compressed, 90).problem(), "compressed");
}

TEST(MachineCode, BrokenFilesNeverFailARun) {
  const std::string whole = program(container(entry(90, cubin("k", "code"))));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(MachineCode(whole.substr(0, size), 90).size(), 0u) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string spoilt = whole;
    spoilt[at] = '\xff';
    EXPECT_LE(MachineCode(spoilt, 90).size(), 2u) << at;
  }
  EXPECT_EQ(MachineCode(program(container(std::string(64, '\0'))), 90).size(), 0u);
}

TEST(MachineCode, ReadsThisProgram) {
#ifdef FLASHCORE_HAVE_CUDA
  const auto cuda = [](const Variant* variant) { return variant->kernel_name() != nullptr; };
  const auto variants = static_cast<std::size_t>(std::ranges::count_if(all_variants(), cuda));
  std::size_t most = 0;
  for (const int compute_capability : {80, 89, 90}) {
    most = std::max(most, MachineCode::of_this_program(compute_capability).size());
  }
  EXPECT_GE(most, variants);
#else
  expect_contains(MachineCode::of_this_program(90).problem(), "no machine code");
#endif
}

TEST(CodeHashOf, CpuVariantsOfThisProgramHaveOne) {
  Variant variant{.backend = Backend::cpu, .role = Role::ladder};
  EXPECT_EQ(code_hash_of(variant).size(), 16u);
  EXPECT_EQ(code_hash_of(variant).find_first_not_of("0123456789abcdef"), std::string::npos);
  variant.role = Role::plugin;
  EXPECT_EQ(code_hash_of(variant), "");  // without its file
}

}  // namespace
}  // namespace flashcore
