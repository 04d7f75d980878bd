#!/usr/bin/env bash
# Sanitizers of the device and of the host.
#
# On the device, NVIDIA's compute-sanitizer over one small problem of every CUDA variant: memcheck (accesses out of
# bounds), racecheck (hazards in shared memory), initcheck (reads of memory that was never written), synccheck (wrong
# barriers). On the host, tests in a build of their own, without CUDA: asan (AddressSanitizer and
# UndefinedBehaviorSanitizer; the attacks of tests/hostile) and tsan (ThreadSanitizer of clang; the unit tests, the library
# in several threads, and runs and sweeps of the program).
#
#   scripts/sanitize.sh                                   # all four tools of the device
#   scripts/sanitize.sh racecheck --variants 'wgmma/*'    # one tool; further arguments go to flashcore-bench
#   scripts/sanitize.sh asan tsan                         # those of the host; further arguments go to ctest
#
# FLASHCORE_BENCH names a flashcore-bench to run on the device, in place of building one. Prints one table; the output of
# each tool goes to build/sanitize/<tool>.log. Exits with 0 when no tool found anything and everything is right, with 4
# where there is no tool or no device, with 1 otherwise.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

readonly logs=$flashcore_root/build/sanitize
readonly device_tools=(memcheck racecheck initcheck synccheck)
readonly all_tools=("${device_tools[@]}" asan tsan)
readonly found_something=99  # no exit code of flashcore-bench

# Two tiles and a bit of queries, an odd number of keys; grouped heads, all masks, every dtype and head_dim, ragged
# batches and paged caches, of 8 bits too.
readonly cover='{
  "name": "sanitize",
  "problems": [
    {"name": "plain", "heads_q": 2, "seq_q": 150, "seq_kv": 203, "head_dim": [32, 64, 96, 128, 256],
     "dtype": ["fp16", "bf16"], "lse": true},
    {"name": "eight_bits", "heads_q": 4, "heads_kv": 2, "seq_q": 150, "seq_kv": 203, "head_dim": [64, 128, 256],
     "dtype": "e4m3", "lse": true},
    {"name": "causal", "heads_q": 4, "heads_kv": 2, "seq_q": 137, "head_dim": [64, 128], "causal": true},
    {"name": "ragged", "lengths": {"q": [5, 0, 130, 1], "kv": [9, 4, 130, 203]}, "heads_q": 4, "heads_kv": 2,
     "head_dim": [64, 128], "causal": true, "sinks": true, "lse": true},
    {"name": "paged", "lengths": {"q": [5, 0, 130, 1], "kv": [9, 4, 130, 203]}, "heads_q": 4, "heads_kv": 2,
     "head_dim": [64, 128], "dtype": "bf16", "causal": true, "window_left": 60, "sinks": true, "lse": true,
     "kv": {"layout": "paged", "page_size": 16}},
    {"name": "eight_bit_cache", "lengths": {"q": [5, 0, 130, 1], "kv": [9, 4, 130, 203]}, "heads_q": 4, "heads_kv": 2,
     "head_dim": [64, 128], "dtype": "bf16", "kv_dtype": "e4m3", "causal": true, "sinks": true, "lse": true,
     "kv": ["contiguous", "paged:16"]}
  ],
  "variants": ["*", "!peer_*"],
  "check": {"depth": "quick"},
  "measure": {"clocks": []},
  "report": {"formats": "table"}
}'

# The tests that each tool of the host watches, as options of ctest. tsan: what has threads.
declare -rA host_tests=(
  [asan]='--label-regex hostile'
  [tsan]='--tests-regex ^([A-Z][A-Za-z]*[./].*|capi\..*|e2e\.(run|tune|worker|fleet))$'
)

tools=()
while (($# > 0)) && [[ " ${all_tools[*]} " == *" $1 "* ]]; do
  tools+=("$1")
  shift
done
((${#tools[@]} > 0)) || tools=("${device_tools[@]}")
(($# == 0)) || [[ $1 == -* ]] || fail_usage "$1: no such tool; there are ${all_tools[*]}"

is_of_device() { [[ " ${device_tools[*]} " == *" $1 "* ]]; }

# Finds the sanitizer and the program, or ends with their absence.
prepare_device() {
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
  return 0
}

# Sets `code` and `errors`.
run_on_device() {
  local tool=$1
  shift
  code=0
  "$sanitizer" --tool "$tool" --error-exitcode "$found_something" --target-processes all \
    "$bench" --quiet "${options[@]}" "$@" <<<"$cover" >"$logs/$tool.log" 2>&1 || code=$?
  errors=$(sed -n 's/.*\(ERROR\|RACECHECK\) SUMMARY: \([0-9]*\).*/\2/p' "$logs/$tool.log" | tail -n 1)
}

# The same on the host. Processes write what the sanitizer found to <tool>.found.<process>.
run_on_host() {
  local tool=$1 tests found=$logs/$1.found
  shift
  read -ra tests <<<"${host_tests[$tool]}"
  rm -f "$found".*
  build "$tool"
  code=0
  # Signals are left to the tests: some make a kernel crash on purpose. The libraries of the system are not compiled for
  # ThreadSanitizer; archer tells it what OpenMP does.
  local signals=handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0
  ASAN_OPTIONS=log_path=$found:$signals UBSAN_OPTIONS=log_path=$found:print_stacktrace=1 \
    TSAN_OPTIONS=log_path=$found:$signals:ignore_noninstrumented_modules=1 OMP_TOOL_LIBRARIES=$archer \
    ctest --test-dir "$flashcore_root/build/$tool" --output-on-failure --no-tests=error --parallel "$(nproc)" \
    "${tests[@]}" "$@" >"$logs/$tool.log" 2>&1 || code=1
  errors=$(find "$logs" -name "$tool.found.*" -exec cat {} + |
    tee -a "$logs/$tool.log" | grep -Ec '(ERROR|WARNING): [A-Za-z]+Sanitizer|runtime error:' || true)
  ((errors == 0)) || code=$found_something
}

for tool in "${tools[@]}"; do
  if is_of_device "$tool"; then
    prepare_device
    break
  fi
done
[[ " ${tools[*]} " != *" asan "* ]] || require_packages "${build_packages[@]}"
archer=
if [[ " ${tools[*]} " == *" tsan "* ]]; then
  require_packages "${build_packages[@]}" clang-14 libomp-14-dev
  archer=$(clang-14 -print-resource-dir)/../../libarcher.so
  [[ -e $archer ]] || fail "there is no $archer, without which every loop of OpenMP would be reported"
fi

mkdir -p "$logs"
failed=0
printf '%-10s %8s  %s\n' tool errors verdict
for tool in "${tools[@]}"; do
  say "Running $tool, which takes minutes"
  if is_of_device "$tool"; then run_on_device "$tool" "$@"; else run_on_host "$tool" "$@"; fi
  case $code in
    0) verdict=fine ;;
    1) verdict="a variant or a test is wrong, see build/sanitize/$tool.log" ;;
    "$found_something") verdict="see build/sanitize/$tool.log" ;;
    *) verdict="did not run to its end (exit code $code), see build/sanitize/$tool.log" ;;
  esac
  ((code == 0)) || failed=1
  printf '%-10s %8s  %s\n' "$tool" "${errors:-?}" "$verdict"
done
exit "$failed"
