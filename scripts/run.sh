#!/usr/bin/env bash
# Installs what is missing, builds, and runs flashcore-bench with the given arguments; without arguments, the
# main job with configs/default.json. Exits as flashcore-bench does, or with 4 when it cannot be built.
#
#   scripts/run.sh
#   scripts/run.sh --config configs/l4.json --device cuda:1
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

require_packages "${build_packages[@]}"
find_nvcc
skip_unusable_cuda
build "$preset" flashcore_product
if (($# == 0)); then
  set -- --config "$flashcore_root/configs/default.json"
fi
say "Running flashcore-bench $*"
exec "$flashcore_root/build/$preset/flashcore-bench" "$@"
