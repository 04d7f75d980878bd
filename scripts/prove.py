#!/usr/bin/env python3
"""Tests the claims of this project on your machine: its kernels are right, its check and its gate see planted faults,
its tuner finds the fastest variant, and its kernels are as fast as stated beside those of PyTorch.

Each step writes its files to OUTPUT/STEP; OUTPUT/claims.json has all claims. A step takes from seconds to some minutes
on a GPU. Without one, `--device cpu --scale 0.1` tries the script.

Exit codes: 0 every claim holds, 1 a claim does not hold, 2 the command line is wrong, 4 a step could not be run.
"""

import argparse
import pathlib
import sys

from proof import bisection, claims, correctness, fleet, hostile, repeats, slowdowns, speed, tuning
from proof.program import Program, StepError

HOLDS, FAILS, USAGE, ENVIRONMENT = 0, 1, 2, 4
SOURCE = pathlib.Path(__file__).resolve().parent.parent
STEPS = {step.__name__: step for step in (
    correctness.gpu_tests, correctness.deep, correctness.faults, correctness.alarms, correctness.sanitize, repeats.repeat,
    slowdowns.planted, slowdowns.gate_runs, slowdowns.gate, slowdowns.live, bisection.bisect, tuning.ci, tuning.seed, tuning.tune,
    tuning.auto, tuning.dispatch, tuning.drill, fleet.fleet, hostile.hostile, speed.speed)}


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="\n".join(f"{name:10} {step.__doc__.splitlines()[0]}"
                                                      for name, step in STEPS.items()))
    parser.add_argument("steps", nargs="*", metavar="STEP",
                        help=f"run these steps, in this order (default: all): {', '.join(STEPS)}")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release", metavar="FOLDER",
                        help="test this build (default: build/release)")
    parser.add_argument("--device", default="cuda", metavar="DEVICE",
                        help="run on cuda, cuda:N or cpu (default: cuda)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("results/proof"), metavar="FOLDER",
                        help="write files here (default: results/proof)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N",
                        help="make N runs of `alarms` at once (default: 1)")
    parser.add_argument("--scale", type=float, default=1, metavar="FACTOR",
                        help="multiply time budgets and numbers of tries by FACTOR (default: 1)")
    options = parser.parse_args(arguments)
    for name in options.steps:
        if name not in STEPS:
            parser.error(f"STEP: {name} is none of: {', '.join(STEPS)}")
    if not options.scale > 0:
        parser.error(f"--scale: {options.scale} is out of range, it must be above 0")
    if options.jobs < 1:
        parser.error(f"--jobs: {options.jobs} is out of range, it must be at least 1")
    if not (options.build / "flashcore-bench").exists():
        parser.error(f"--build: there is no flashcore-bench in {options.build}")
    return options


def main(arguments):
    options = parse_arguments(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    found, environment, broken = [], {}, False
    for name in options.steps or STEPS:
        print(f"==> {name}: {STEPS[name].__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        program = Program(source=SOURCE, build=options.build.resolve(), folder=options.output / name,
                          device=options.device, scale=options.scale, jobs=options.jobs)
        try:
            found += STEPS[name](program)
        except StepError as error:
            broken = True
            found.append(claims.Claim(name, STEPS[name].__doc__.splitlines()[0], "a run", str(error), None))
        environment = program.environment() or environment
        claims.write(options.output / "claims.json", environment, found)  # after each step: a later one may fail
    print(claims.table(found))
    if any(claim.held is False for claim in found):
        return FAILS
    return ENVIRONMENT if broken else HOLDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
