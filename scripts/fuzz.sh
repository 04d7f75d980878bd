#!/usr/bin/env bash
# Fuzzes the readers of outside data (tests/fuzz/readers.hpp: configs, results, tables, journals, gates, noise files,
# --problem, a worker's lines, recorded calls, traces) with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer.
# clang comes from the distribution's packages.
#
#   scripts/fuzz.sh              # every reader for a minute
#   scripts/fuzz.sh 3600 config  # one reader for an hour
#
# Starts from tests/fuzz/corpus, the shipped configs and the golden files. New inputs stay in
# build/fuzz/learnt/<reader>; inputs that break a reader go to build/fuzz/found/<reader>. Put those into
# tests/fuzz/corpus/<reader>, where the tests of every build replay them. Exits with 0 when no reader broke, with 1
# when one did, with 4 when the fuzzers cannot be built.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

# Logs then have the same paths everywhere.
cd -- "$flashcore_root"
readonly folder=build/fuzz
readonly corpus=tests/fuzz/corpus

seconds=${1:-60}
shift $(($# > 0))
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail_usage "$seconds: expected seconds per reader, as in: scripts/fuzz.sh 600 config"
mapfile -t known < <(cd "$corpus" && printf '%s\n' *)
readers=("${@:-"${known[@]}"}")
for reader in "${readers[@]}"; do
  [[ -d $corpus/$reader ]] || fail_usage "$reader: no such reader; there are ${known[*]}"
done

build_fuzzers() {
  require_packages "${build_packages[@]}" clang-14
  cmake -S . -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DFLASHCORE_CUDA=OFF -DFLASHCORE_FUZZ=ON "${cmake_options[@]}" >&2 || fail "could not configure build/fuzz"
  cmake --build "$folder" --target "${readers[@]/#/flashcore_fuzz_}" >&2 || fail "build/fuzz does not build"
}

# The words of all seeds: mutation would hardly spell them.
write_dictionary() {
  cat configs/*.json tests/golden/report/*.json "$corpus"/*/* |
    grep --text --only-matching '"[A-Za-z0-9_$.*/]*"' | sort -u | sed 's/"/\\"/g; s/.*/"&"/' >"$folder/words.dict"
}

fuzz() {
  local reader=$1 learnt=$folder/learnt/$1 found=$folder/found/$1
  local seeds=("$corpus/$reader")
  [[ $reader == config ]] && seeds+=(configs)
  [[ $reader == results ]] && seeds+=(tests/golden/report)
  [[ $reader == tuned_table ]] && seeds+=(results/tuned)
  mkdir -p "$learnt" "$found"
  say "Fuzzing $reader for $seconds s"
  nice "$folder/tests/flashcore_fuzz_$reader" "$learnt" "${seeds[@]}" -max_total_time="$seconds" -max_len=16384 \
    -timeout=10 -rss_limit_mb=2048 -dict="$folder/words.dict" -artifact_prefix="$found/" -print_final_stats=1 \
    -verbosity=0 >"$folder/$reader.log" 2>&1
}

build_fuzzers
write_dictionary
broken=0
printf '%-14s %12s %10s  %s\n' reader inputs learnt verdict
for reader in "${readers[@]}"; do
  verdict=fine
  fuzz "$reader" || verdict="broken, see build/fuzz/$reader.log" broken=1
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$reader.log")
  printf '%-14s %12s %10s  %s\n' "$reader" "${inputs:-?}" "$(find "$folder/learnt/$reader" -type f | wc -l)" "$verdict"
done
exit "$broken"
