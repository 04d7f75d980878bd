#!/usr/bin/env bash
# Installs what is missing, builds the program and its tests, and runs them. Arguments go to ctest. As in run.sh, the
# CUDA kernels are left out where no device can run them; their tests on the emulated machine run everywhere.
# Exits with 0 when every test passed, with 4 when they cannot be built.
#
#   scripts/test.sh
#   scripts/test.sh -L cpu
#   FLASHCORE_PRESET=release scripts/test.sh    # builds the CUDA kernels although there is no device
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

require_packages "${build_packages[@]}"
find_nvcc
skip_unusable_cuda
require_nanobind
build "$preset"
say "Testing"
exec ctest --test-dir "$flashcore_root/build/$preset" --output-on-failure --no-tests=error \
  --parallel "$(nproc)" "$@"
