#!/usr/bin/env python3
"""Shows on the machine in front of you what this project claims of itself: right kernels, a check and a gate that
see what is planted, tuning that finds the best, and speed beside the kernels people use.

Each step leaves its files in OUTPUT/STEP, and all claims stand in OUTPUT/claims.json. A step takes from seconds to
some minutes on a GPU; without one, `--device cpu --scale 0.1` tries the script itself.

Exit codes: 0 every claim holds, 1 one does not, 2 the command line is wrong, 4 a step could not be run.
"""

import argparse
import pathlib
import sys

from proof import claims, correctness, slowdowns, speed, tuning
from proof.program import Program, StepError

HOLDS, FAILS, USAGE, ENVIRONMENT = 0, 1, 2, 4
SOURCE = pathlib.Path(__file__).resolve().parent.parent
STEPS = {step.__name__: step for step in (
    correctness.gpu_tests, correctness.deep, correctness.faults, correctness.sanitize, slowdowns.planted,
    slowdowns.gate_runs, slowdowns.gate, slowdowns.live, tuning.ci, tuning.seed, tuning.tune, tuning.auto, tuning.drill,
    speed.speed)}


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="\n".join(f"{name:10} {step.__doc__.splitlines()[0]}"
                                                      for name, step in STEPS.items()))
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"all when none is named: {', '.join(STEPS)}")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release", help="a build folder")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: cuda)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("results/proof"), help="a folder")
    parser.add_argument("--scale", type=float, default=1, help="of budgets and of how often things are tried")
    options = parser.parse_args(arguments)
    for name in options.steps:
        if name not in STEPS:
            parser.error(f"STEP: there is no {name}; one of: {', '.join(STEPS)}")
    if not options.scale > 0:
        parser.error(f"--scale: {options.scale} is out of range, it must be above 0")
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
                          device=options.device, scale=options.scale)
        try:
            found += STEPS[name](program)
        except StepError as error:
            broken = True
            found.append(claims.Claim(name, STEPS[name].__doc__.splitlines()[0], "a run", str(error), None))
        environment = program.environment() or environment
        claims.write(options.output / "claims.json", environment, found)  # what is known so far, whatever comes
    print(claims.table(found))
    if any(claim.held is False for claim in found):
        return FAILS
    return ENVIRONMENT if broken else HOLDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
