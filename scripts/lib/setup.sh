#!/usr/bin/env bash
# Set-up shared by run.sh, test.sh and .ci/run: installs what is missing, configures and builds. Sourced.
# All messages go to standard error; standard output is for results.

flashcore_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
readonly flashcore_root
readonly exit_usage=2        # as flashcore-bench's own: the command line is wrong
readonly exit_environment=4  # as flashcore-bench's own: the machine, not the input, is at fault

# What a build and its tests need, on Debian 12 and Ubuntu 24.04.
# shellcheck disable=SC2034  # read by the scripts that source this file
readonly build_packages=(cmake ninja-build g++ python3 python3-jsonschema python3-junitparser
  python3-markdown-it python3-dev python3-numpy python3-pip python3-pytest libcli11-dev nlohmann-json3-dev libfmt-dev
  libspdlog-dev libgtest-dev libhwy-dev libjs-chart.js)

say() { printf '==> %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit "$exit_environment"
}

fail_usage() {
  printf 'error: %s\n' "$*" >&2
  exit "$exit_usage"
}

# The CMake preset to build. FLASHCORE_PRESET names another: cpu leaves CUDA out although nvcc is there.
# shellcheck disable=SC2034  # read by the scripts that source this file
preset=${FLASHCORE_PRESET:-release}

# Tools that need not come from their package.
declare -rA package_command=([cmake]=cmake [ninja-build]=ninja [g++]=g++ [python3]=python3)

# Prints those of the given packages that are missing, one per line.
missing_packages() {
  local package installed
  installed=$(dpkg-query -W -f='${Package}:${db:Status-Status} ' "$@" 2>/dev/null || true)
  for package in "$@"; do
    [[ " $installed" == *" $package:installed "* ]] && continue
    [[ -n ${package_command[$package]:-} ]] && command -v "${package_command[$package]}" >/dev/null && continue
    echo "$package"
  done
}

# The interpreter of the distribution has its packages; another python3 may stand before it on PATH, and it may be there
# only after packages were installed. FLASHCORE_SYSTEM_PYTHON is its place on other systems.
readonly system_python=${FLASHCORE_SYSTEM_PYTHON:-/usr/bin/python3}
# shellcheck disable=SC2034  # read by scripts that source this file, too
cmake_options=()
use_system_python() {
  [[ ! -x $system_python || " ${cmake_options[*]} " == *" -DPython3_EXECUTABLE="* ]] ||
    cmake_options+=("-DPython3_EXECUTABLE=$system_python")
}
use_system_python

# Installs those of the given packages that are missing, as root or through sudo.
require_packages() {
  install_missing "$@"
  use_system_python
}

install_missing() {
  if ! command -v dpkg-query >/dev/null; then
    say "No dpkg on this system; these packages are assumed to be installed: $*"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "packages are missing, and installing them needs root or sudo; install them by hand: ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  {
    "${as_root[@]}" apt-get update -qq &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } </dev/null >&2 || fail "could not install packages; install them by hand: ${missing[*]}"
}

# Puts nvcc on PATH if it is in its usual place, so that the build finds it.
find_nvcc() {
  local usual=/usr/local/cuda/bin
  if ! command -v nvcc >/dev/null && [[ -x $usual/nvcc ]]; then
    PATH=$PATH:$usual
  fi
  if command -v nvcc >/dev/null; then
    say "CUDA: $(command -v nvcc)"
  else
    say "CUDA: no nvcc on PATH or in $usual, building only the CPU backend"
  fi
}

has_cuda_device() {
  compgen -G '/dev/nvidia[0-9]*' >/dev/null || [[ -e /dev/dxg ]]
}

# Leaves the CUDA kernels out where no device can run them, since compiling them for three architectures takes minutes.
# FLASHCORE_PRESET overrules it.
skip_unusable_cuda() {
  [[ -n ${FLASHCORE_PRESET:-} ]] || has_cuda_device && return
  command -v nvcc >/dev/null &&
    say "No CUDA device here: building only the CPU backend (FLASHCORE_PRESET=release builds the CUDA kernels too)"
  # shellcheck disable=SC2034
  preset=cpu
}

# The Python module needs nanobind, which these distributions do not package. It is taken from PyPI into build/nanobind,
# at the version that pyproject.toml asks for. Without it everything else is built.
# FLASHCORE_PYTHON=OFF leaves the module out.
require_nanobind() {
  local python=$system_python target=$flashcore_root/build/nanobind wanted
  [[ ${FLASHCORE_PYTHON:-ON} == OFF ]] && return
  [[ -x $python ]] || python=$(command -v python3)
  wanted=$(sed -n 's/^requires = .*"\(nanobind[^"]*\)".*/\1/p' "$flashcore_root/pyproject.toml")
  if [[ ! -d $target/nanobind ]]; then
    say "Installing $wanted into build/nanobind"
    "$python" -m pip install --quiet --disable-pip-version-check --target "$target" "$wanted" >&2 || {
      rm -rf "$target"
      say "$wanted cannot be installed: the Python module and its tests are left out"
      return
    }
  fi
  cmake_options+=(-DFLASHCORE_PYTHON=ON "-DPython_EXECUTABLE=$python"
    "-Dnanobind_DIR=$target/nanobind/cmake")
}

# configure PRESET: configures build/PRESET, unless the same nvcc and cmake have configured it before, with the same options
# or more.
configure() {
  local folder=$flashcore_root/build/$1
  local stamp=$folder/.configured-for
  local tools
  tools="$(command -v cmake) $(command -v nvcc || echo no-nvcc) ${cmake_options[*]}"
  if [[ -f $folder/build.ninja && -f $stamp && $(<"$stamp") == "$tools"* ]]; then
    return
  fi
  say "Configuring build/$1"
  (cd "$flashcore_root" && cmake --fresh --preset "$1" "${cmake_options[@]}" >&2) ||
    fail "could not configure build/$1"
  printf '%s' "$tools" >"$stamp"
}

# build PRESET [TARGET]: configures build/PRESET where that is needed, then builds the target, or everything.
build() {
  configure "$1"
  say "Building build/$1"
  cmake --build "$flashcore_root/build/$1" ${2:+--target "$2"} >&2 || fail "build/$1 does not build"
}
