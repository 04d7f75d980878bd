"""Checks and times kernels of Python from the command line, for scripts and for scripts/ci/gate.sh:

    python -m flashcore_bench mykernels:mine --problem heads_q=8,seq_q=512:1024 --against cudnn --output mine.json

A kernel is MODULE:NAME, imported from the working directory or from PYTHONPATH. Exit codes are those of flashcore-bench: 0
success, 1 a kernel is incorrect or suspect, 2 the command line is wrong, 4 the device or a kernel failed.
"""

import argparse
import importlib
import pathlib
import sys

from . import DeviceError, Problem, UsageError, bench
from .running import TIMEOUT

OK, FAILED_CHECK, USAGE, ENVIRONMENT = 0, 1, 2, 4


def kernel_of(name):
    """The object MODULE:NAME. Raises UsageError."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise UsageError(f"KERNEL: {name!r} must be MODULE:NAME")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"KERNEL: {module} cannot be imported: {error}") from error
    if not hasattr(found, attribute):
        raise UsageError(f"KERNEL: {module} has no {attribute}")
    return getattr(found, attribute)


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="python -m flashcore_bench", description="Checks and times kernels of Python.",
                                     epilog=__doc__.split("\n\n", 2)[2], allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="+", metavar="MODULE:NAME")
    parser.add_argument("--problem", action="append", required=True, metavar="PROBLEM",
                        help="as flashcore-bench takes it, also with axes as in seq_q=512:1024; repeatable")
    parser.add_argument("--against", action="append", default=[], metavar="NAME",
                        help="beside this built-in variant, glob of variants or peer; repeatable")
    parser.add_argument("--device", help="cpu, cuda or cuda:N; default: the one of the kernel's framework")
    parser.add_argument("--budget", type=float, default=20, metavar="SECONDS", help="of measuring in all (default: 20)")
    parser.add_argument("--depth", default="standard", help="of the check: quick, standard or deep")
    parser.add_argument("--clocks", default="hot,cold,call", help="timing modes (default: hot,cold,call)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=TIMEOUT, metavar="SECONDS", help="of one check or sample")
    parser.add_argument("--output", default="", metavar="FILE", help="write a result file, which compare and report read")
    return parser.parse_args(arguments)


def exit_code(rows):
    statuses = {row.status for row in rows}
    if statuses & {"incorrect", "suspect"}:
        return FAILED_CHECK
    return OK if statuses <= {"ok", "unsupported"} else ENVIRONMENT


def main(arguments):
    options = parse_arguments(arguments)
    if "" not in sys.path:
        sys.path.insert(0, "")
    output = pathlib.Path(options.output)
    if options.output and output.suffix != ".json":
        output = output.with_name(output.name + ".json")
    try:
        result = bench([kernel_of(name) for name in options.kernels],
                       [problem for flag in options.problem for problem in Problem.all_from_flag(flag)], options.against,
                       budget=options.budget, depth=options.depth, modes=options.clocks.split(","), seed=options.seed,
                       device=options.device, output=str(output) if options.output else "", timeout=options.timeout)
    except UsageError as error:
        print(f"flashcore_bench: error: {error}", file=sys.stderr)
        return USAGE
    except DeviceError as error:
        print(f"flashcore_bench: error: {error}", file=sys.stderr)
        return ENVIRONMENT
    print(result)
    return exit_code(result.rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
