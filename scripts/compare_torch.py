#!/usr/bin/env python3
"""Times PyTorch's attention kernels and this project's in one process, interleaved, by the same definitions.

Peers are families of their own: PyTorch SDPA's backends (peer_torch_flash, _cudnn, _efficient, _math), compiled
FlexAttention (peer_torch_flex), FlashAttention-3 and -4 (peer_fa3, peer_fa4), and for ragged batches FlashInfer's kernels
(peer_flashinfer_*) and cuDNN on paged caches (peer_cudnn_paged), each where its package can be imported. All are Python
kernels of the package flashcore_bench, whose core checks and times them beside this project's variants and writes the
result file. call_us of a peer has Python's share of a call.

Exit codes: 0 fine, 1 an output is wrong, 2 the command line or the config is wrong, 4 PyTorch, the GPU or the
package is missing, or one of this project's variants failed.
"""

import argparse
import fnmatch
import importlib
import importlib.util
import json
import pathlib
import re
import sys

from records import role

OK, WRONG, USAGE, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 4, 130
ROOT = pathlib.Path(__file__).resolve().parents[1]
# Options whose values the core checks, and where with_options() puts them.
PLACES = {"variants": "/variants", "clocks": "/measure/clocks", "seed": "/seed"}


class UsageError(Exception):
    """The command line or the config is wrong; the message names the place."""


class EnvironmentProblem(Exception):
    """PyTorch, the GPU or the package is missing."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UsageError(message)


def parse_arguments(arguments):
    def names(text):
        return [name for name in text.split(",") if name]

    parser = Parser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--config", default="peers", help="a path, or a shipped config's name (default: peers)")
    parser.add_argument("--problems", type=names, default=[], help="globs over the config's problem names")
    parser.add_argument("--variants", type=names, default=[], help="globs over ids, instead of the config's variants")
    parser.add_argument("--peers", type=names, default=[], help="globs over the peers' families (default: all; without "
                        "ragged batches those that take others)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try this script (default: cuda)")
    parser.add_argument("--budget", type=float, help="seconds of measuring in all")
    parser.add_argument("--clocks", type=names, default=[], help="these timing modes, instead of the config's")
    parser.add_argument("--rounds", type=int, default=0, help="exactly so many samples a clock, whatever they spread")
    parser.add_argument("--seed", type=int, help="seed of the inputs")
    parser.add_argument("--output", default="results/compare_torch.json", help="path of the result file")
    parser.add_argument("--library", help="libflashcore.so of the build whose Python module is used (default: the installed "
                        "package, else the newest of the build folders)")
    parser.add_argument("--plugin", action="append", default=[], help="a plug-in; repeatable")
    options = parser.parse_args(arguments)
    if options.budget is not None and not options.budget > 0:
        raise UsageError(f"--budget: {options.budget} is out of range, it must be above 0")
    if options.rounds < 0:
        raise UsageError(f"--rounds: {options.rounds} is out of range, it must be at least 1")
    device, _, index = options.device.partition(":")
    if device not in ("cuda", "cpu") or (index and not index.isdigit()):
        raise UsageError(f"--device: unknown device \"{options.device}\"; one of: cuda, cuda:N, cpu")
    return options


def find_config(name):
    """A path, else a shipped config by its bare name."""
    for path in (pathlib.Path(name), ROOT / "configs" / name, ROOT / "configs" / f"{name}.json"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(path.stem for path in (ROOT / "configs").glob("*.json")))
    raise UsageError(f"--config: {name}: there is no such file; shipped configs: {shipped}")


def read_config(name):
    path = find_config(name)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"--config: {path}: {error}") from None
    if not isinstance(config, dict) or "problems" not in config:
        raise UsageError(f"--config: {path}: needs the key \"problems\"")
    return config


def import_package(library):
    """flashcore_bench of an installation or of a build folder."""
    if library:
        sys.path.insert(0, str(package_beside(pathlib.Path(library))))
    elif importlib.util.find_spec("flashcore_bench") is None:
        built = sorted(ROOT.glob("build/*/python/flashcore_bench/_core*.so"), key=lambda path: path.stat().st_mtime)
        sys.path[:0] = [str(path.parents[1]) for path in built[-1:]]
    try:
        return importlib.import_module("flashcore_bench")
    except ImportError as error:
        raise EnvironmentProblem(f"the Python package flashcore_bench cannot be used: {error}") from None


def package_beside(library):
    """The folder to import from, of the build folder that has this libflashcore.so."""
    folder = library.parent / "python"
    if not list(folder.glob("flashcore_bench/_core*.so")):
        raise EnvironmentProblem(f"--library: {library}: there is no Python module beside it, in {folder}")
    return folder


def import_torch():
    try:
        import torch
    except ImportError as error:
        raise EnvironmentProblem(f"PyTorch cannot be imported by {sys.executable}: {error}") from None
    return torch


def require_device(torch, device):
    if device != "cpu" and int(device.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise EnvironmentProblem(f"--device {device}: PyTorch sees no such CUDA device")


def select_peers(known, globs):
    for glob in globs:
        if not fnmatch.filter(known, glob):
            raise UsageError(f"--peers: {glob} matches none of: {', '.join(known)}")
    return [family for family in known if any(fnmatch.fnmatchcase(family, glob) for glob in globs)]


def select_problems(problems, globs):
    """Those whose names match one of the globs; all without globs."""
    chosen = [problem for problem in problems if not globs
              or any(fnmatch.fnmatchcase(problem["name"], glob) for glob in globs)]
    if not chosen:
        names = ", ".join(problem["name"] for problem in problems[:8])
        raise UsageError(f"--problems: {','.join(globs)} matches none of the {len(problems)} problems: {names}, …")
    return chosen


def with_options(config, options, fc):
    """The config that the core runs: the command line's values in place of the file's."""
    problems = [json.loads(text) for text in fc._core.problems(json.dumps(config["problems"]))]
    measure = dict(config.get("measure", {}))
    if options.budget is not None:
        measure["budget_s"] = options.budget
    if options.clocks:
        measure["clocks"] = options.clocks
    if options.rounds:
        measure |= {"min_samples": options.rounds, "max_samples": options.rounds}
    config = {**config, "problems": select_problems(problems, options.problems), "measure": measure}
    config.setdefault("variants", "*")
    if options.variants:
        config["variants"] = options.variants
    if options.seed is not None:
        config["seed"] = options.seed
    return config


def with_flag(message, options):
    """The core's message about the config, with the option that the wrong value comes from."""
    for name, place in PLACES.items():
        if getattr(options, name) and message.startswith(f"config: {place}"):
            return re.sub(rf"^config: {place}(/\d+)?", f"--{name}", message)
    return message


def record_line(record):
    def median(clock):
        timing = record.get("timing", {}).get(f"{clock}_us")
        return f"{timing['median']:9.2f}" if timing else f"{'-':>9}"

    error = f"{record['check']['rel_l2']:.1e}" if "check" in record else "-"
    rate = f"{record['tflops']:8.1f}" if "tflops" in record else f"{'-':>8}"
    return (f"  {record['variant']:44} {median('hot')} {median('cold')} {median('call')} {rate} {error:>8}  "
            f"{record['status']}{': ' + record['reason'] if record.get('reason') else ''}")


def print_table(records):
    name = records[0]["problem"]["name"] if records else ""
    print(f"{name}\n  {'variant':44} {'hot us':>9} {'cold us':>9} {'call us':>9} {'TFLOP/s':>8} {'rel L2':>8}  status")
    for record in records:
        print(record_line(record))
    sys.stdout.flush()


def exit_code(records):
    """A peer that fails is a row; one of ours that fails is the run's failure."""
    if any(record["status"] in ("incorrect", "suspect") for record in records):
        return WRONG
    ours = [record for record in records if role(record) != "peer"]
    return ENVIRONMENT if any(record["status"] in ("error", "out_of_memory") for record in ours) else OK


def load_plugins(fc, paths):
    from flashcore_bench import isolation
    for path in paths:
        try:
            isolation.load_plugin(path)
        except fc.UsageError as error:
            raise UsageError(f"--{error}") from None


def run(config, options, fc):
    from flashcore_bench import peers, running
    families = select_peers(list(peers.PEERS), options.peers) or peers.that_run(config["problems"])
    require_device(import_torch(), options.device)
    load_plugins(fc, options.plugin)
    return running.run(config, [peers.make(family) for family in families], options.device, options.output, print_table)


def compare(options):
    config = read_config(options.config)
    fc = import_package(options.library)
    try:
        result = run(with_options(config, options, fc), options, fc)
    except fc.UsageError as error:
        raise UsageError(with_flag(str(error), options)) from None
    except fc.DeviceError as error:
        raise EnvironmentProblem(str(error)) from None
    print(f"wrote {options.output}", file=sys.stderr)
    return exit_code(result.records)


def main(arguments):
    try:
        return compare(parse_arguments(arguments))
    except (UsageError, EnvironmentProblem) as error:
        print(f"compare_torch: error: {error}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else ENVIRONMENT
    except KeyboardInterrupt:  # the file holds the problems that were done
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
