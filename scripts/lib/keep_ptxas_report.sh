#!/usr/bin/env bash
# Compiler launcher for CUDA: runs the given nvcc command and moves what `ptxas -v` says of registers and
# spills from the terminal to <object>.ptxas, where scripts/check_ptxas.py reads it.
set -u

object=
previous=
for argument in "$@"; do
  [[ $previous == -o ]] && object=$argument
  previous=$argument
done
if [[ -z $object ]]; then
  exec "$@"
fi

log=$("$@" 2>&1)
status=$?
is_report='^ptxas info|bytes stack frame'
grep -E "$is_report" <<<"$log" >"$object.ptxas"
grep -Ev "$is_report|^$" <<<"$log" >&2
exit "$status"
