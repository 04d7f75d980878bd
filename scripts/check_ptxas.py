#!/usr/bin/env python3
"""Registers and spills of every compiled CUDA variant, from the reports the build keeps beside its objects.

Prints the worst variant of each family and architecture, then every spill by the name of its variant.
Exit code: 0 no spills, 1 spills, 2 no reports in the build folder.
"""

import argparse
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

ENTRY = re.compile(r"Compiling entry function '([^']+)' for '(sm_\w+)'")
SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")
SPEC = re.compile(r"VariantSpec\{\(flashcore::Dtype\)(\d+), (\d+)(?:, flashcore::Tile\{([^}]*)\})?")
SOURCE = pathlib.Path(__file__).resolve().parent.parent


@dataclass
class Kernel:
    family: str
    architecture: str
    name: str  # the variant's id, or the demangled function where no variant is named
    registers: int = 0
    stack_bytes: int = 0
    spill_bytes: int = 0  # stores and loads, per thread


def dtype_words():
    """The words of enum Dtype, in its order."""
    words = re.search(r"kDtypeWords\[\] = \{(.*?)\}", (SOURCE / "src/attention/dtype.hpp").read_text(), re.DOTALL)
    return re.findall(r'"(\w+)"', words[1])


def id_prefixes():
    """Letters of an id in the order of VariantSpec's members, from the one list of them, kSpecFields."""
    fields = re.search(r"kSpecFields\[\] = \{(.*?)\n\};", (SOURCE / "src/variant/spec.hpp").read_text(), re.DOTALL)
    return re.findall(r'\{"\w+", "(\w+)",', fields[1])


def variant_id(family, function, dtypes, prefixes):
    """The id that flashcore-bench gives the variant; kernels that are no variant keep their function's name."""
    match = SPEC.search(function)
    if not match:
        return re.sub(r"^void |[<(].*$", "", function.replace("(anonymous namespace)::", ""))
    dtype, head_dim, tile = match.groups()
    values = [head_dim] + (tile.split(", ") if tile else [])
    fields = [prefix + value for prefix, value in zip(prefixes, values) if value != "0"]
    return f"{family}/{'_'.join([dtypes[int(dtype)]] + fields)}"


def demangle(symbols):
    """Demangled names by symbol, through one call of c++filt (part of binutils, which g++ brings)."""
    text = "\n".join(symbols)
    result = subprocess.run(["c++filt"], input=text, capture_output=True, text=True, check=True)
    return dict(zip(symbols, result.stdout.splitlines()))


def read_report(path):
    """Kernels of one report, named by their mangled symbol."""
    kernels = []
    for line in path.read_text().splitlines():
        if match := ENTRY.search(line):
            kernels.append(Kernel(path.parent.name, match[2], match[1]))
        elif not kernels:
            continue
        elif match := SPILLS.search(line):
            kernels[-1].stack_bytes = int(match[1])
            kernels[-1].spill_bytes = int(match[2]) + int(match[3])
        elif match := REGISTERS.search(line):
            kernels[-1].registers = int(match[1])
    return kernels


def read_build(build):
    """Kernels of all reports whose source file still exists; a build folder keeps objects of removed files."""
    kernels = []
    for path in sorted(build.glob("CMakeFiles/*.dir/kernels/**/*.ptxas")):
        relative = path.relative_to(build).parts[2:]
        if (SOURCE / pathlib.Path(*relative)).with_suffix("").with_suffix("").exists():
            kernels += read_report(path)
    names = demangle(sorted({kernel.name for kernel in kernels}))
    dtypes, prefixes = dtype_words(), id_prefixes()
    for kernel in kernels:
        kernel.name = variant_id(kernel.family, names[kernel.name], dtypes, prefixes)
    return kernels


def print_table(kernels):
    print("family         arch     kernels registers  stack spills  worst variant")
    groups = {}
    for kernel in kernels:
        groups.setdefault((kernel.family, kernel.architecture), []).append(kernel)
    for (family, architecture), members in sorted(groups.items()):
        worst = max(members, key=lambda kernel: (kernel.spill_bytes, kernel.registers))
        stack = max(kernel.stack_bytes for kernel in members)
        spilling = sum(kernel.spill_bytes > 0 for kernel in members)
        print(f"{family:<14} {architecture:<8} {len(members):>7} {worst.registers:>9} "
              f"{stack:>6} {spilling:>6}  {worst.name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    build = parser.parse_args().build
    kernels = read_build(build)
    if not kernels:
        print(f"{build}: no ptxas reports; was it built with CUDA?", file=sys.stderr)
        return 2
    print_table(kernels)
    spilling = [kernel for kernel in kernels if kernel.spill_bytes > 0]
    for kernel in spilling:
        print(f"spill: {kernel.name} on {kernel.architecture}: {kernel.spill_bytes} bytes per thread, "
              f"{kernel.registers} registers", file=sys.stderr)
    return 1 if spilling else 0


if __name__ == "__main__":
    sys.exit(main())
