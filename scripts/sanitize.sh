#!/usr/bin/env bash
# NVIDIA's compute-sanitizer over one small problem of every CUDA variant: memcheck (accesses out of bounds),
# racecheck (hazards in shared memory), initcheck (reads of memory that was never written), synccheck (wrong barriers).
#
#   scripts/sanitize.sh                                   # all four tools
#   scripts/sanitize.sh racecheck --variants 'wgmma/*'    # one tool; further arguments go to flashcore-bench
#
# FLASHCORE_BENCH names a flashcore-bench to run, in place of building one. Prints one table; the output of each tool
# goes to build/sanitize/<tool>.log. Exits with 0 when no tool found anything and every variant is right, with 4 where
# there is no tool or no device, with 1 otherwise.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

readonly folder=$flashcore_root/build/sanitize
readonly all_tools=(memcheck racecheck initcheck synccheck)
readonly found_something=99  # no exit code of flashcore-bench

# Two tiles and a bit of queries, an odd number of keys; grouped heads, both masks, every dtype and head_dim.
readonly cover='{
  "name": "sanitize",
  "problems": [
    {"name": "plain", "heads_q": 2, "seq_q": 150, "seq_kv": 203, "head_dim": [32, 64, 96, 128, 256],
     "dtype": ["fp16", "bf16"], "lse": true},
    {"name": "eight_bits", "heads_q": 4, "heads_kv": 2, "seq_q": 150, "seq_kv": 203, "head_dim": [64, 128, 256],
     "dtype": "e4m3", "lse": true},
    {"name": "causal", "heads_q": 4, "heads_kv": 2, "seq_q": 137, "head_dim": [64, 128], "causal": true}
  ],
  "variants": ["*", "!peer_*"],
  "check": {"depth": "quick"},
  "measure": {"clocks": []},
  "report": {"formats": "table"}
}'

tools=()
while (($# > 0)) && [[ " ${all_tools[*]} " == *" $1 "* ]]; do
  tools+=("$1")
  shift
done
((${#tools[@]} > 0)) || tools=("${all_tools[@]}")
(($# == 0)) || [[ $1 == -* ]] || fail_usage "$1: no such tool; there are ${all_tools[*]}"

find_nvcc
sanitizer=${FLASHCORE_SANITIZER:-compute-sanitizer}
command -v "$sanitizer" >/dev/null ||
  fail "$sanitizer is not installed (it comes with the CUDA Toolkit; FLASHCORE_SANITIZER names another)"
has_cuda_device || fail "there is no CUDA device here"
bench=${FLASHCORE_BENCH:-}
if [[ -z $bench ]]; then
  require_packages "${build_packages[@]}"
  build "$preset" flashcore-bench
  bench=$flashcore_root/build/$preset/flashcore-bench
fi
options=(--config - --device cuda)
# The tool does not see kernels in a worker process.
[[ $("$bench" --help) == *--in-process* ]] && options+=(--in-process)

mkdir -p "$folder"
failed=0
printf '%-10s %8s  %s\n' tool errors verdict
for tool in "${tools[@]}"; do
  say "Running $tool, which takes minutes"
  code=0
  "$sanitizer" --tool "$tool" --error-exitcode "$found_something" --target-processes all \
    "$bench" --quiet "${options[@]}" "$@" <<<"$cover" >"$folder/$tool.log" 2>&1 || code=$?
  errors=$(sed -n 's/.*\(ERROR\|RACECHECK\) SUMMARY: \([0-9]*\).*/\2/p' "$folder/$tool.log" | tail -n 1)
  case $code in
    0) verdict=fine ;;
    1) verdict="a variant is wrong, see build/sanitize/$tool.log" ;;
    "$found_something") verdict="see build/sanitize/$tool.log" ;;
    *) verdict="did not run to its end (exit code $code), see build/sanitize/$tool.log" ;;
  esac
  ((code == 0)) || failed=1
  printf '%-10s %8s  %s\n' "$tool" "${errors:-?}" "$verdict"
done
exit "$failed"
