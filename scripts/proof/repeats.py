"""Do times repeat from run to run, and do the stated intervals hold?"""

import collections
import json
import math
import statistics
import subprocess
import sys

from .claims import Claim, at_least, at_most

# From 5 us to 5 ms. Some take an H100 or H200 to its power limit; problems that need little time come first and leave
# it to the others.
CUDA_PROBLEMS = [
    {"name": "seed", "heads_q": 8, "seq_q": 512, "head_dim": 64},
    {"name": "decode", "batch": 16, "heads_q": 32, "heads_kv": 8, "seq_q": 1, "seq_kv": 4096, "head_dim": 128},
    {"name": "bert", "batch": 8, "heads_q": 12, "seq_q": 512, "head_dim": 64},
    {"name": "vit", "batch": 32, "heads_q": 16, "seq_q": 197, "head_dim": 64},
    {"name": "small", "heads_q": 16, "seq_q": 1024, "head_dim": 128, "dtype": "bf16"},
    {"name": "s1024d128c", "batch": 16, "heads_q": 16, "seq_q": 1024, "head_dim": 128, "causal": True},
    {"name": "s8192d128", "batch": 2, "heads_q": 16, "seq_q": 8192, "head_dim": 128},
    {"name": "s16384d64", "heads_q": 32, "seq_q": 16384, "head_dim": 64},
]
CPU_PROBLEMS = [
    {"name": "short", "heads_q": 2, "seq_q": 64, "head_dim": 64},
    {"name": "middle", "heads_q": 2, "seq_q": 128, "head_dim": 64},
    {"name": "long", "heads_q": 4, "seq_q": 256, "head_dim": 64},
]
SMALL_US = 20  # as in src/measure/run_noise.hpp
NVBENCH_TIMES = ("cold_us", "batch_us")

Key = collections.namedtuple("Key", "problem variant mode")


def spread(values):
    """(highest − lowest) / median."""
    return (max(values) - min(values)) / statistics.median(values)


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(max(value, 1e-6)) for value in values))


class Repeats:
    """The timings of one row in several runs."""

    def __init__(self, timings):
        self.timings = timings

    @property
    def medians(self):
        return [timing["median"] for timing in self.timings]

    @property
    def capped(self):
        return any(2 * timing.get("throttled_samples", 0) > timing["n"] for timing in self.timings)

    def covered(self):
        """For each run, whether its interval contains the median of the medians of the other runs."""
        for index, timing in enumerate(self.timings):
            others = self.medians[:index] + self.medians[index + 1:]
            low, high = timing["ci95"]
            yield low <= statistics.median(others) <= high

    def half_widths(self):
        return [(timing["ci95"][1] - timing["ci95"][0]) / 2 / timing["median"] for timing in self.timings]


def rows_of(runs):
    """By problem, variant and mode; a row has a timing in every run."""
    found = collections.defaultdict(list)
    for records in runs:
        for record in records:
            for mode, timing in record.get("timing", {}).items():
                found[Key(record["problem"]["name"], record["variant"], mode.removesuffix("_us"))].append(timing)
    return {key: Repeats(timings) for key, timings in found.items() if len(timings) == len(runs)}


def spread_limit(row):
    if row.capped:
        return 0.015
    return 0.01 if statistics.median(row.medians) < SMALL_US else 0.005


def kind_of(row):
    return "at the power limit" if row.capped else "below the power limit"


def coverage_claims(rows, backend):
    claims = []
    for kind, most in (("below the power limit", 0.007), ("at the power limit", 0.015)):
        chosen = [row for row in rows.values() if kind_of(row) == kind]
        if not chosen:
            continue
        covered = [hit for row in chosen for hit in row.covered()]
        widths = [width for row in chosen for width in row.half_widths()]
        where = kind if backend == "cuda" else f"median half-width {statistics.median(widths):.3f}"
        claims.append(at_least("repeat", f"share of {len(covered)} intervals that hold, {where}",
                               statistics.fmean(covered), 0.9))
        if backend == "cuda":  # other processes decide how far times of a CPU spread
            claims.append(at_most("repeat", f"median half-width of intervals, {kind}", statistics.median(widths), most))
    return claims


def spread_claims(rows):
    return [at_most("repeat", f"spread of {key.problem} {key.mode}, {statistics.median(row.medians):.4g} us, "
                              f"{kind_of(row)}", spread(row.medians), spread_limit(row))
            for key, row in sorted(rows.items())]


def nvbench_claims(rows, nvbench):
    """`nvbench` has the rows of nvbench_times.py of each run."""
    timed = {row["problem"] for row in nvbench[0]} if nvbench else ()
    capped = [key for key, row in rows.items() if row.capped and key.mode == "hot" and key.problem in timed]
    if not capped:
        return [Claim("repeat", "spread beside NVBench's", "runs of NVBench",
                      "cuda-bench or PyTorch is not installed, or no problem is at the power limit", None)]
    ours = geometric_mean(spread(rows[key].medians) for key in capped)
    claims = []
    for name in NVBENCH_TIMES:
        theirs = geometric_mean(spread([row[name] for run in nvbench for row in run if row["problem"] == key.problem])
                                for key in capped)
        claims.append(at_most("repeat", f"spread at the power limit, geometric mean over {len(capped)}, over NVBench's "
                                        f"{name.removesuffix('_us')} times ({ours:.4f} and {theirs:.4f})",
                              ours / theirs, 1.25))
    return claims


def has_nvbench(program):
    return program.backend == "cuda" and subprocess.run(
        [sys.executable, "-c", "import torch, cuda.bench"], capture_output=True, check=False).returncode == 0


def run_nvbench(program, number, records):
    """Rows at the power limit only: NVBench takes some seconds for each."""
    cases = [{"problem": record["problem"], "variant": record["variant"]} for record in records
             if Repeats([record["timing"]["hot_us"]]).capped]
    if not cases:
        return []
    file = program.folder / "cases.json"
    file.write_text(json.dumps(cases))
    output = program.folder / f"nvbench-{number:02}.json"
    program.run(f"nvbench-{number:02}", [sys.executable, program.source / "scripts" / "proof" / "nvbench_times.py",
                                         program.build / "libflashcore.so", file, output])
    return json.loads(output.read_text(encoding="utf-8"))


def repeat(program):
    """Ten runs agree with each other and their intervals hold, in turns with NVBench where it is installed."""
    cuda = program.backend == "cuda"
    config = {"name": "repeat", "problems": CUDA_PROBLEMS if cuda else CPU_PROBLEMS,
              "variants": ["auto"] if cuda else ["cpu_*"],
              "measure": {"clocks": ["hot"], "budget_s": 48 if cuda else 10}}
    runs, nvbench = [], []
    beside = has_nvbench(program)
    for number in range(program.count(10)):
        runs.append(program.records(f"run-{number:02}", config))
        if beside:
            nvbench.append(run_nvbench(program, number, runs[0]))
    rows = rows_of(runs)
    claims = coverage_claims(rows, program.backend)
    return claims + spread_claims(rows) + nvbench_claims(rows, nvbench) if cuda else claims
