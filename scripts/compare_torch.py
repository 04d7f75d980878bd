#!/usr/bin/env python3
"""Times PyTorch's attention kernels and this project's in one process, interleaved, by the same definitions.

Peers are families of their own: PyTorch SDPA's backends (peer_torch_flash, _cudnn, _efficient, _math), compiled
FlexAttention (peer_torch_flex), FlashAttention-3 and -4 where they can be imported (peer_fa3, peer_fa4). This
project's variants are called through libflashcore with the tensors' addresses on PyTorch's current stream. The
result file has the form of flashcore-bench's own; call_us includes Python's share of a call, which is of the same
order for all of them but larger than the program's.

Exit codes: 0 fine, 1 an output is wrong, 2 the command line or the config is wrong, 4 PyTorch, the GPU or the
library is missing, or one of this project's variants failed.
"""

import argparse
import fnmatch
import gc
import sys
import time

from records import role
from torch_peers.library import Library, LibraryError
from torch_peers.measure import Measurement, Policy, first_line
from torch_peers.problems import UsageError, load_config, select_problems
from torch_peers.results import ResultFile, add_rate, fail, make_environment, new_record, peer_record

OK, WRONG, USAGE, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 4, 130


class EnvironmentProblem(Exception):
    """PyTorch, the GPU or the library is missing."""


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
    parser.add_argument("--peers", type=names, default=["*"], help="globs over the peers' families (default: all)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try this script (default: cuda)")
    parser.add_argument("--budget", type=float, help="seconds of measuring in all")
    parser.add_argument("--rounds", type=int, default=0, help="exactly so many samples a clock, whatever they spread")
    parser.add_argument("--seed", type=int, help="seed of the inputs")
    parser.add_argument("--output", default="results/compare_torch.json", help="path of the result file")
    parser.add_argument("--library", help="path of libflashcore.so (default: the newest of the build folders)")
    parser.add_argument("--plugin", action="append", default=[], help="a plug-in for libflashcore; repeatable")
    options = parser.parse_args(arguments)
    if options.budget is not None and not options.budget > 0:
        raise UsageError(f"--budget: {options.budget} is out of range, it must be above 0")
    if options.rounds < 0:
        raise UsageError(f"--rounds: {options.rounds} is out of range, it must be at least 1")
    device, _, index = options.device.partition(":")
    if device not in ("cuda", "cpu") or (index and not index.isdigit()):
        raise UsageError(f"--device: unknown device \"{options.device}\"; one of: cuda, cuda:N, cpu")
    return options


def matches(term, variant):
    """A term of a config's `variants`: a glob over ids or an object of attribute filters."""
    if isinstance(term, str):
        return fnmatch.fnmatchcase(variant.id, term.removeprefix("!"))
    attributes = {"family": variant.family, "backend": variant.backend}
    for name, allowed in term.items():
        value = attributes.get(name) or variant.spec.get(name, 0)
        if value not in (allowed if isinstance(allowed, list) else [allowed]):
            return False
    return True


def select_variants(variants, terms, backend):
    """As the program selects: included by any term, then what a term with a leading ! matches is taken away."""
    excluding = [term for term in terms if isinstance(term, str) and term.startswith("!")]
    including = [term for term in terms if term not in excluding] or ["*"]
    chosen = [variant for variant in variants if variant.backend == backend
              and any(matches(term, variant) for term in including)
              and not any(matches(term, variant) for term in excluding)]
    if not chosen:
        raise UsageError(f"--variants: {', '.join(map(str, terms))}: leaves no variant that runs on {backend}")
    return chosen


def select_peers(known, globs):
    for glob in globs:
        if not fnmatch.filter(known, glob):
            raise UsageError(f"--peers: {glob} matches none of: {', '.join(known)}")
    return [family for family in known if any(fnmatch.fnmatchcase(family, glob) for glob in globs)]


def import_torch():
    try:
        import torch
    except ImportError as error:
        raise EnvironmentProblem(f"PyTorch cannot be imported by {sys.executable}: {error}") from None
    return torch


def open_library(options):
    try:
        library = Library(options.library)
    except LibraryError as error:
        raise EnvironmentProblem(f"--library: {error}") from None
    try:
        for path in options.plugin:
            library.load_plugin(path)
    except LibraryError as error:
        raise UsageError(f"--plugin: {error}") from None
    return library


def torch_versions(torch):
    versions = {"version": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    for name in ("triton", "flash_attn", "flash_attn_interface"):
        versions[name] = getattr(sys.modules.get(name), "__version__", None)
    return {name: version for name, version in versions.items() if version is not None}


class Comparison:
    """Runs the problems one after the other; within one, everybody takes turns."""

    def __init__(self, device, library, variants, peers, policy, seed):
        self.device = device
        self.library = library
        self.variants = variants
        self.peers = peers
        self.policy = policy
        self.seed = seed

    def meant_for(self, problem):
        return [variant for variant in self.variants
                if variant.spec["dtype"] == problem.dtype and variant.spec["head_dim"] == problem.head_dim]

    def make_contenders(self, problem, inputs):
        from torch_peers.contenders import LibraryContender, PeerContender
        return ([LibraryContender(self.library, variant, problem, inputs, self.device)
                 for variant in self.meant_for(problem)]
                + [PeerContender(family, problem, inputs, self.device) for family in self.peers])

    def run_problem(self, problem, budget_s):
        """The records of one problem, and the seconds spent on measuring. Raises torch's OutOfMemoryError."""
        from torch_peers.check import TORCH_DTYPES, Judge
        from torch_peers.contenders import Inputs
        inputs = Inputs(problem, self.device, self.seed, TORCH_DTYPES[problem.dtype])
        judge = Judge(problem, inputs.sets[0])
        contenders = self.make_contenders(problem, inputs)
        standing = [contender for contender in contenders
                    if contender.record["status"] == "ok" and contender.examine(judge)]
        begin = time.monotonic()
        Measurement(standing, self.policy, self.seed).run(budget_s)
        for contender in standing:
            if contender.record["status"] == "ok" and not contender.examine(judge):  # what was timed is checked again
                fail(contender.record, contender.record["status"],
                     "after it was timed: " + contender.record["reason"])
            contender.close()
        for contender in contenders:
            add_rate(contender.record, problem.flops())
        return [contender.record for contender in contenders], time.monotonic() - begin

    def out_of_memory(self, problem, reason):
        """The records of a problem whose inputs and reference do not fit."""
        records = ([new_record(problem, variant.id, variant.family, variant.backend, variant.spec)
                    for variant in self.meant_for(problem)]
                   + [peer_record(problem, family, self.device.backend) for family in self.peers])
        for record in records:
            fail(record, "out_of_memory", reason)
        return records

    def run(self, problems, on_records):
        from torch.cuda import OutOfMemoryError
        budget_s = self.policy.budget_s
        for done, problem in enumerate(problems):
            try:
                records, spent_s = self.run_problem(problem, budget_s / (len(problems) - done))
            except OutOfMemoryError as error:
                records, spent_s = self.out_of_memory(problem, first_line(error)), 0
            budget_s = max(budget_s - spent_s, 0)  # what one problem leaves, the others may use
            on_records(records)
            gc.collect()
            self.device.release()


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
    if any(record["status"] == "incorrect" for record in records):
        return WRONG
    ours = [record for record in records if role(record) != "peer"]
    return ENVIRONMENT if any(record["status"] in ("error", "out_of_memory") for record in ours) else OK


def compare(options):
    config = load_config(options.config)
    problems = select_problems(config, options.problems)
    policy = Policy.from_config(config.get("measure", {}))
    policy.rounds = options.rounds
    policy.budget_s = options.budget if options.budget is not None else policy.budget_s
    seed = options.seed if options.seed is not None else config.get("seed", 0)
    torch = import_torch()
    from torch_peers.contenders import PEERS
    from torch_peers.devices import open_device
    peers = select_peers(list(PEERS), options.peers)
    device = open_device(options.device)
    if device is None:
        raise EnvironmentProblem(f"--device {options.device}: PyTorch sees no such CUDA device")
    library = open_library(options)
    terms = options.variants or config.get("variants", [])
    variants = select_variants(library.variants(), terms if isinstance(terms, list) else [terms], device.backend)
    environment = make_environment(library.environment(device.index), torch_versions(torch), sys.argv, config)
    try:
        file = ResultFile(options.output, environment, config)
    except OSError as error:
        raise UsageError(f"--output: {options.output}: {error.strerror}") from None
    records = []

    def keep(new_records):
        records.extend(new_records)
        file.add(new_records)
        print_table(new_records)

    with torch.no_grad():
        Comparison(device, library, variants, peers, policy, seed).run(problems, keep)
    print(f"wrote {options.output}", file=sys.stderr)
    return exit_code(records)


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
