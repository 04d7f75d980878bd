#!/usr/bin/env bash
# The gate of a change, on one machine: builds the commit BASE beside this tree, runs both in turns so that drift falls
# on both alike, and compares.
#
# In this project it builds flashcore-bench and runs the given options, or configs/ci.json without any:
#
#   scripts/ci/gate.sh origin/main
#   scripts/ci/gate.sh origin/main --config configs/h100.json --device cuda:1
#
# Where the working directory is in another repository, it gates that one: a plug-in, or a kernel of Python. It needs
# flashcore-bench on PATH, or in FLASHCORE_BENCH:
#
#   gate.sh origin/main --build 'make libmine.so' --plugin ./libmine.so --variants 'mine/*' --config gate-problems.json
#   gate.sh origin/main --kernel mykernels:mine --problem heads_q=32,seq_q=2048,dtype=bf16
#
#   --build COMMAND      builds a side, in the folder of its tree; default: nothing
#   --kernel MODULE:NAME a kernel of Python, repeatable; the other options go to python -m flashcore_bench
#   --policy FILE        the rules of compare; default: gate.json beside this script
#   --runs N             runs a side, default 3: from three on, compare sees 3 % in a single row
#
# Exits as flashcore-bench compare does: 0 no regression, 1 a regression, 3 cannot tell; else as what failed.
# Leaves build/gate/report.md, junit.xml and comparison.json.
set -euo pipefail

readonly exit_usage=2 exit_environment=4  # as flashcore-bench's own
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
policy=$here/gate.json
runs=3
build=
kernels=()
options=()

usage() {
  echo "error: $*" >&2
  sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit "$exit_usage"
}

[[ $# -gt 0 && ${1:--} != -* ]] || usage "expected BASE, a commit, as in: gate.sh origin/main"
base=$1
shift
while (($# > 0)); do
  case $1 in
    --build | --kernel | --policy | --runs)
      (($# > 1)) || usage "$1: needs a value"
      case $1 in
        --build) build=$2 ;;
        --kernel) kernels+=("$2") ;;
        --policy) policy=$(realpath -- "$2") ;;
        --runs) runs=$2 ;;
      esac
      shift 2
      ;;
    *)
      options+=("$1")
      shift
      ;;
  esac
done
[[ $runs =~ ^[1-9][0-9]*$ ]] || usage "--runs: $runs is no number above 0"
[[ -e $policy ]] || usage "--policy: $policy does not exist"

# This project builds its program; other repositories use the one that is installed.
root=$(cd -- "$here/../.." && pwd -P)
tree=$(git rev-parse --show-toplevel 2>/dev/null || true)
is_own=
if [[ -x $root/scripts/run.sh && (-z $tree || $tree == "$root") ]]; then
  is_own=yes tree=$root
  ((${#options[@]} > 0)) || options=(--config "$tree/configs/ci.json")
fi
[[ -n $tree ]] || usage "the working directory is in no git repository"
readonly bench=${FLASHCORE_BENCH:-flashcore-bench}
cd -- "$tree"
git rev-parse --verify --quiet "$base^{commit}" >/dev/null || usage "BASE: $base is no commit of $tree"

gate=$tree/build/gate
rm -rf "$gate/results"
git worktree prune
if [[ -e $gate/base ]]; then
  git -C "$gate/base" checkout --quiet --detach "$(git rev-parse "$base^{commit}")"
else
  git worktree add --quiet --detach "$gate/base" "$base"
fi
if [[ -n $build ]]; then
  for side in "$gate/base" "$tree"; do
    (cd -- "$side" && sh -c "$build" >&2) || {
      echo "error: --build: fails in $side" >&2
      exit "$exit_environment"
    }
  done
fi

# In the folder of a side's tree, with the path of the result as its last argument.
measure() {
  if ((${#kernels[@]} > 0)); then
    PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} \
      "${PYTHON:-python3}" -m flashcore_bench "${kernels[@]}" "${options[@]}" --output "$1"
  elif [[ -n $is_own ]]; then
    scripts/run.sh "${options[@]}" --format json --output "$1"
  else
    "$bench" "${options[@]}" --format json --output "$1"
  fi
}

# A run that found a wrong variant has its result all the same: compare calls that row broken.
run_side() {
  local side=$1 number=$2 status=0
  (cd -- "$([[ $side == base ]] && echo "$gate/base" || echo "$tree")" && measure "$gate/results/$side/run$number") ||
    status=$?
  ((status <= 1)) || exit "$status"
}

for ((number = 1; number <= runs; number++)); do
  if ((number % 2 == 1)); then
    run_side base "$number"
    run_side new "$number"
  else
    run_side new "$number"
    run_side base "$number"
  fi
done

comparison=(compare "$gate/results/base" "$gate/results/new" --policy "$policy"
  --write "markdown=$gate/report.md" --write "junit=$gate/junit.xml" --write "json=$gate/comparison.json")
[[ -z $is_own ]] || exec scripts/run.sh "${comparison[@]}"
exec "$bench" "${comparison[@]}"
