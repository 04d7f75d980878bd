#!/usr/bin/env bash
# The gate of a change, on one machine: builds the commit BASE beside this tree, runs both in turns so that drift falls
# on both alike, and compares. Further arguments are those of a run; without any it is configs/ci.json.
# Exits as flashcore-bench compare does: 0 no regression, 1 a regression, 3 cannot tell; else as what failed.
# Leaves build/gate/report.md, junit.xml and comparison.json.
#
#   scripts/ci/gate.sh origin/main
#   scripts/ci/gate.sh origin/main --config configs/h100.json --device cuda:1
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

readonly runs=3  # a side: from three on, compare sees 3 % in a single row

if (($# == 0)); then
  echo "usage: $0 BASE [options of flashcore-bench run]" >&2
  exit 2
fi
base=$1
shift
(($# > 0)) || set -- --config "$PWD/configs/ci.json"

gate=$PWD/build/gate
rm -rf "$gate/results"
git worktree prune
if [[ -e $gate/base ]]; then
  git -C "$gate/base" checkout --quiet --detach "$(git rev-parse "$base^{commit}")"
else
  git worktree add --quiet --detach "$gate/base" "$base"
fi

# A run that found a wrong variant has its result all the same: compare calls that row broken.
run_side() {
  local tree=$1 side=$2 number=$3 status=0
  shift 3
  "$tree/scripts/run.sh" "$@" --format json --output "$gate/results/$side/run$number" || status=$?
  ((status <= 1)) || exit "$status"
}

for ((number = 1; number <= runs; number++)); do
  if ((number % 2 == 1)); then
    run_side "$gate/base" base "$number" "$@"
    run_side "$PWD" new "$number" "$@"
  else
    run_side "$PWD" new "$number" "$@"
    run_side "$gate/base" base "$number" "$@"
  fi
done

exec scripts/run.sh compare "$gate/results/base" "$gate/results/new" --policy scripts/ci/gate.json \
  --write "markdown=$gate/report.md" --write "junit=$gate/junit.xml" --write "json=$gate/comparison.json"
