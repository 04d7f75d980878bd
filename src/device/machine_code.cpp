#include "device/machine_code.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/hash.hpp"
#include "kernels/common/cpu_code.hpp"

namespace flashcore {
namespace {

constexpr std::uint32_t kContainerMagic = 0xBA55ED50;
constexpr std::size_t kContainerAlignment = 8;
constexpr std::uint16_t kCubin = 2;                     // a value of FatEntry::kind; 1 is PTX
constexpr std::uint64_t kCompressed = 0x2000 | 0x8000;  // bits of FatEntry::flags: LZ4, Zstandard

struct FatContainer {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t payload_bytes;
};

struct FatEntry {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t payload_bytes;
  std::uint32_t compressed_bytes;
  std::uint32_t options_offset;
  std::uint16_t code_minor;
  std::uint16_t code_major;
  std::uint32_t architecture;  // 10 · major + minor
  std::uint32_t name_offset;
  std::uint32_t name_bytes;
  std::uint64_t flags;
};
static_assert(sizeof(FatContainer) == 16 && sizeof(FatEntry) == 48, "must match the file format");

// A part of a file. Throws std::out_of_range if it exceeds the file.
std::string_view part(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) throw std::out_of_range("the file is truncated");
  return bytes.substr(offset, size);
}

template <class T>
T read(std::string_view bytes, std::uint64_t offset) {
  T value;
  std::memcpy(&value, part(bytes, offset, sizeof(T)).data(), sizeof(T));
  return value;
}

struct Section {
  std::string_view name;
  std::string_view bytes;
};

// The sections of an ELF64 file that occupy bytes of the file.
std::vector<Section> elf_sections(std::string_view elf) {
  const auto header = read<Elf64_Ehdr>(elf, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_shentsize < sizeof(Elf64_Shdr)) {
    throw std::out_of_range("the file is not a 64-bit ELF file");
  }
  const auto header_of = [&](std::uint64_t index) {
    return read<Elf64_Shdr>(elf, header.e_shoff + index * header.e_shentsize);
  };
  // With 0xff00 or more sections, the first section header holds the counts.
  const bool many = header.e_shnum == 0 && header.e_shoff != 0;
  const std::uint64_t count = many ? header_of(0).sh_size : header.e_shnum;
  const std::uint64_t names_index =
      header.e_shstrndx == SHN_XINDEX ? header_of(0).sh_link : header.e_shstrndx;
  const Elf64_Shdr names_header = header_of(names_index);
  const std::string_view names = part(elf, names_header.sh_offset, names_header.sh_size);
  std::vector<Section> sections;
  for (std::uint64_t i = 1; i < count; ++i) {
    const Elf64_Shdr section = header_of(i);
    if (section.sh_type == SHT_NOBITS) continue;
    const std::string_view name = part(names, section.sh_name, names.size() - section.sh_name);
    sections.push_back({name.substr(0, name.find('\0')), part(elf, section.sh_offset, section.sh_size)});
  }
  return sections;
}

struct Cubin {
  std::string_view elf;
  int architecture = 0;
  bool compressed = false;
};

// The cubin that a device would load from the entries of one container.
std::optional<Cubin> choose_cubin(std::string_view entries, int compute_capability) {
  std::optional<Cubin> chosen;
  while (entries.size() >= sizeof(FatEntry)) {
    const auto entry = read<FatEntry>(entries, 0);
    if (entry.header_bytes < sizeof(FatEntry)) throw std::out_of_range("an entry's header is too short");
    const std::string_view payload = part(entries, entry.header_bytes, entry.payload_bytes);
    entries = part(entries, entry.header_bytes + entry.payload_bytes,
                   entries.size() - entry.header_bytes - entry.payload_bytes);
    const auto architecture = static_cast<int>(entry.architecture);
    const bool runs = entry.kind == kCubin && architecture / 10 == compute_capability / 10 &&
                      architecture <= compute_capability;
    if (!runs || (chosen && chosen->architecture >= architecture)) continue;
    chosen = Cubin{payload, architecture, (entry.flags & kCompressed) != 0};
  }
  return chosen;
}

std::vector<Cubin> choose_cubins(std::string_view fatbin, int compute_capability) {
  std::vector<Cubin> cubins;
  while (fatbin.size() >= sizeof(FatContainer)) {
    const auto container = read<FatContainer>(fatbin, 0);
    if (container.magic != kContainerMagic) {  // padding between translation units
      fatbin.remove_prefix(kContainerAlignment);
      continue;
    }
    if (container.header_bytes < sizeof(FatContainer)) {
      throw std::out_of_range("a container's header is too short");
    }
    const std::string_view entries = part(fatbin, container.header_bytes, container.payload_bytes);
    if (auto cubin = choose_cubin(entries, compute_capability)) cubins.push_back(*cubin);
    fatbin.remove_prefix(container.header_bytes + entries.size());
  }
  return cubins;
}

std::string_view find_fatbin(std::string_view elf) {
  for (const Section& section : elf_sections(elf)) {
    if (section.name == ".nv_fatbin") return section.bytes;
  }
  return {};
}

// The file that is mapped at an address of this process (proc(5), maps).
std::string file_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) continue;
    const std::size_t path = line.find('/');
    if (begin <= wanted && wanted < end && path != std::string::npos) return line.substr(path);
  }
  return "/proc/self/exe";
}

}  // namespace

MachineCode::MachineCode(std::string_view elf, int compute_capability) {
  constexpr std::string_view kText = ".text.";
  bool compressed = false;
  try {
    for (const Cubin& cubin : choose_cubins(find_fatbin(elf), compute_capability)) {
      compressed = compressed || cubin.compressed;
      if (cubin.compressed) continue;
      for (const Section& section : elf_sections(cubin.elf)) {
        if (!section.name.starts_with(kText)) continue;
        hashes_.emplace(section.name.substr(kText.size()), hash_hex(section.bytes));
      }
    }
  } catch (const std::out_of_range& error) {
    hashes_.clear();
    problem_ = fmt::format("the fat binary cannot be read: {}", error.what());
    return;
  }
  if (!hashes_.empty()) return;
  problem_ = compressed ? "the fat binary is compressed (nvcc --no-compress leaves it plain)"
                        : fmt::format("the program has no machine code for compute capability {}.{}",
                                      compute_capability / 10, compute_capability % 10);
}

MachineCode MachineCode::of_this_program(int compute_capability) {
  std::ifstream file(file_of(reinterpret_cast<const void*>(&MachineCode::of_this_program)), std::ios::binary);
  const std::string elf{std::istreambuf_iterator<char>(file), {}};
  return {elf, compute_capability};
}

std::string MachineCode::hash(std::string_view mangled_name) const {
  const auto found = hashes_.find(mangled_name);
  return found == hashes_.end() ? "" : found->second;
}

std::string code_hash_of(const Variant& variant, const MachineCode& cuda) {
  if (variant.role == Role::plugin) return variant.file_hash();
  if (variant.backend == Backend::cpu) return kernels::cpu_code_hash();
  const char* name = variant.kernel_name();
  return name == nullptr ? "" : cuda.hash(name);
}

}  // namespace flashcore
