#!/usr/bin/env bash
# Tunes a config on a fleet: runs an array job of Slurm, waits for it, and merges what its tasks have found into OUTPUT.json.
# The same command again runs only the shards that are missing: of nodes that died, of tasks that failed or were cut off,
# and those that went to a card of another model. It names them, and exits with 4 while there are any.
#
#   scripts/slurm_tune.sh SHARDS OUTPUT [options of flashcore-bench tune] [-- options of sbatch]
#   scripts/slurm_tune.sh 200 results/tuned/h100 --config configs/h100.json -- --gpus-per-task=1 --constraint=h100
#
# FLASHCORE_BENCH is the program, when it is not on PATH. The fleet's model is the one with the most problems done;
# FLASHCORE_FLEET_DEVICE names another, as `flashcore-bench info` does.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib/setup.sh"

readonly bench=${FLASHCORE_BENCH:-flashcore-bench}

(($# >= 2)) || fail_usage "expected SHARDS and OUTPUT, as in: scripts/slurm_tune.sh 8 results/tuned/h100 --config h100"
[[ $1 =~ ^[1-9][0-9]*$ ]] || fail_usage "SHARDS: $1 is no number above 0"
export FLASHCORE_SHARDS=$1
readonly output=$2
shift 2
options=()
while (($# > 0)) && [[ $1 != -- ]]; do
  options+=("$1")
  shift
done
shift $(($# > 0))

# A journal without a whole line is of a task that was cut off at once.
find_journals() {
  local path
  journals=()
  for path in "$output"-shard*.journal.jsonl; do
    [[ ! -e $path || $(head -n 1 -- "$path" | wc -l) -eq 0 ]] || journals+=("$path")
  done
}

# Prints the missing shards, as sbatch takes them; further arguments go to merge.
missing_shards() {
  find_journals
  if ((${#journals[@]} == 0)); then
    echo "1-$FLASHCORE_SHARDS"
    return
  fi
  local device=()
  [[ -z ${FLASHCORE_FLEET_DEVICE:-} ]] || device=(--device "$FLASHCORE_FLEET_DEVICE")
  "$bench" merge --missing-shards "${device[@]}" "${journals[@]}" "$@"
}

# Shards of another number have other problems.
check_number() {
  local path shards
  find_journals
  for path in "${journals[@]}"; do
    shards=$(sed -n '1s|.*"shard":"[0-9]*/\([0-9]*\)".*|\1|p' "$path")
    [[ -z $shards || $shards == "$FLASHCORE_SHARDS" ]] ||
      fail_usage "SHARDS: $path is of $shards shards, not of $FLASHCORE_SHARDS"
  done
}

# Merges into the table; its entries of other sweeps stay.
merge_journals() {
  local earlier=() merged=$output.merged.json
  [[ ! -e $output.json ]] || earlier=("$output.json")
  lacking=$(missing_shards "${earlier[@]}" --output "$merged")
  [[ ! -e $merged ]] || mv -- "$merged" "$output.json"
}

check_number
lacking=$(missing_shards 2>/dev/null) || lacking=$(missing_shards)
if [[ -n $lacking ]]; then
  say "Running shards $lacking of $FLASHCORE_SHARDS"
  # What a task has not done is missing below, whatever its exit code was.
  sbatch --wait --array="$lacking" "$@" "$flashcore_root/scripts/slurm_tune.sbatch" "$output" "${options[@]}" ||
    say "sbatch ended with $?"
fi
merge_journals
[[ -z $lacking ]] || fail "shards $lacking of $FLASHCORE_SHARDS are missing; the same command runs them"
say "Complete: $output.json"
