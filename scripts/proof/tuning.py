"""Does tuning find the fastest variant, how long does it take, and does a second search find the same one?"""

import json
import math
import random
import re

from records import role

from .claims import Claim, at_least, at_most
from .program import StepError, hot_us, read_records

SEED_PROBLEM = "batch=1,heads_q=8,seq_q=512,head_dim=64"


def candidates(program):
    """The other families take seconds per launch at 16k keys and never win."""
    return ["--variants", "mma/*,wgmma/*" if program.backend == "cuda" else "cpu_*"]


def problems(program):
    return ["--config", "peers"] if program.backend == "cuda" else [
        "--config", "default", "--problem", "heads_q=2,seq_q=64:128,head_dim=64:128"]


class Sweep:
    """A finished tuning run: its records, its choices and its time."""

    def __init__(self, program, name, *options):
        output = program.folder / name
        finished = program.run(name, [program.bench, "tune", "--device", program.device, "--fresh", "--output",
                                      output, *options])
        self.measuring_s = float(re.search(r"([0-9.]+) s of measuring", finished.stderr)[1])
        self.seconds = finished.seconds
        table = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
        self.entries = {entry["problem"]["name"]: entry for entry in table["tuned_table"]}
        self.records = read_records(output.with_suffix(".records.json"))

    def winner(self, problem):
        """None if the problem has no entry in the table."""
        return self.entries[problem]["winner"]["variant"] if problem in self.entries else None

    def choices(self, problem):
        """The winner and the variants that tie with it."""
        if problem not in self.entries:
            return set()
        return {self.winner(problem), *(tie["variant"] for tie in self.entries[problem]["ties"])}


def agreement(one, other):
    """The share of problems on which the winner of either is among the choices of the other."""
    agree = [one.winner(problem) in other.choices(problem) or other.winner(problem) in one.choices(problem)
             for problem in one.entries.keys() | other.entries.keys()]
    return sum(agree) / len(agree)


def tune(program):
    """Two races agree, and take less time than an exhaustive search of the same problems."""
    common = [*problems(program), *candidates(program), "--budget", program.budget(300)]
    race = Sweep(program, "race", *common, "--seed", "1")
    again = Sweep(program, "race-again", *common, "--seed", "2")
    exhaustive = Sweep(program, "exhaustive", *common, "--seed", "3", "--search", "exhaustive")
    return [
        at_most("tune", f"measuring of the race ({race.measuring_s:.0f} s) in that of exhaustive search "
                        f"({exhaustive.measuring_s:.0f} s)", 100 * race.measuring_s / exhaustive.measuring_s, 30, " %"),
        at_least("tune", "problems on which two races agree", 100 * agreement(race, again), 95, " %"),
    ]


def seed(program):
    """All variants are checked and timed on the seed problem within 10 seconds."""
    sweep = Sweep(program, "seed", "--config", "default", "--problem", SEED_PROBLEM, "--budget", program.budget(60))
    return [at_least("seed", "variants tried on the seed problem", len(sweep.records), 40),
            at_most("seed", "seconds for that, from start to end", sweep.seconds, 10, " s")]


def losses(records):
    """How much slower `auto` is than the fastest variant, per problem; infinite if `auto` was not timed."""
    by_problem = {}
    for record in records:
        if hot_us(record):
            by_problem.setdefault(record["problem"]["name"], []).append(record)

    def chosen_us(rivals):
        return min((hot_us(r) for r in rivals if r.get("reason", "").startswith("auto")), default=math.inf)

    return {name: chosen_us(rivals) / min(map(hot_us, rivals)) - 1 for name, rivals in by_problem.items()}


def auto(program):
    """`auto`, with the race's table of the step tune, is as fast as the winners of the exhaustive search.

    All are timed in turns here. Times of the two searches cannot be compared: a variant that dropped out early was
    measured on a cooler GPU.
    """
    table = program.folder.parent / "tune" / "race.json"
    best = program.folder.parent / "tune" / "exhaustive.json"
    if not table.exists() or not best.exists():
        return [Claim("auto", "auto beside the best by hand", "<= 2 %", "the step tune has not been run", None)]
    winners = sorted({entry["winner"]["variant"]
                      for entry in json.loads(best.read_text(encoding="utf-8"))["tuned_table"]})
    result = program.folder / "auto"
    program.run("auto", [program.bench, *problems(program), "--device", program.device, "--variants",
                         ",".join(["auto", *winners]), "--tuned-table", table, "--depth", "quick", "--budget",
                         program.budget(120), "--format", "json", "--output", result])
    behind = losses(read_records(result.with_suffix(".json")))
    worst = max(behind, key=behind.get)
    return [at_most("auto", f"the race's choice behind the best by hand over {len(behind)} problems, worst ({worst})",
                    100 * behind[worst], 2, " %")]


# (queries, batches, keys) of the phases of `dispatch`, from and to; prompts have as many queries as keys.
RANGES = {
    "cuda": {"common": {"heads_q": 32, "heads_kv": 8, "head_dim": 128, "dtype": "bf16", "causal": True},
             "decode": ((1, 64), (256, 16384)), "prefill": ((1, 8), (128, 4096))},
    "cpu": {"common": {"heads_q": 4, "heads_kv": 2, "head_dim": 64, "causal": True},
            "decode": ((1, 8), (64, 2048)), "prefill": ((1, 2), (32, 384))},
}


def seeded_problems(backend, count, seed):
    """Different problems of both phases; batches and lengths are spread evenly on a logarithmic scale."""
    ranges, generator, found = RANGES[backend], random.Random(seed), {}

    def between(low, high):
        return min(int(low * ((high + 1) / low) ** generator.random()), high)

    while len(found) < count:
        phase = ("decode", "prefill")[len(found) % 2]
        batches, lengths = ranges[phase]
        batch, keys = between(*batches), between(*lengths)
        name = f"{phase}_b{batch}_k{keys}"
        found[name] = {"name": name, "batch": batch, "seq_q": 1 if phase == "decode" else keys, "seq_kv": keys,
                       **ranges["common"]}
    return found


class Loss:
    """What `auto` and the default take on one problem beside the best of all variants."""

    def __init__(self, rivals, default):
        chosen = next(record for record in rivals if record.get("reason", "").startswith("auto"))
        by_default = next(record for record in rivals if record["variant"] == default)
        best_us = min(hot_us(record) for record in rivals if hot_us(record))
        self.auto = hot_us(chosen) / best_us - 1
        self.default = hot_us(by_default) / best_us - 1
        self.is_slower = (chosen["timing"]["hot_us"]["ci95"][0] > by_default["timing"]["hot_us"]["ci95"][1]
                          and self.auto > self.default + 0.02)


def chosen_by(program, name, problems, table):
    """The id and the reason of `auto` for each problem, without a launch."""
    text = program.run(name, [program.bench, "--config", "-", "--device", program.device, "--variants", "auto",
                              "--tuned-table", table, "--dry-run", "--json"],
                       stdin=json.dumps({"problems": list(problems.values())})).stdout
    return {entry["problem"]["name"]: (entry["auto"]["variant"], entry["auto"]["reason"])
            for entry in json.loads(text)["problems"]}


def make_table(program, name, problems, seed):
    """The path of a new table, and what `tune` said."""
    path = program.folder / name
    said = program.run(f"tune-{name}", [program.bench, "tune", "--config", "-", "--device", program.device, "--fresh",
                                        "--output", path, "--seed", str(seed), *candidates(program), "--budget",
                                        program.budget(600)],
                       stdin=json.dumps({"problems": list(problems.values())})).stderr
    return path.with_suffix(".json"), said


def can_be_told_apart(rivals, one, other):
    """Whether the intervals of two variants on one problem are apart."""
    intervals = sorted(record["timing"]["hot_us"]["ci95"] for record in rivals if record["variant"] in (one, other))
    return len(intervals) == 2 and intervals[0][1] < intervals[1][0]


def dispatch(program):
    """On problems that were not tuned, `auto` is nearly as fast as the best variant, and not slower than the default."""
    tuned = seeded_problems(program.backend, program.count(96), 1)
    tried = {name: problem for name, problem in seeded_problems(program.backend, program.count(200), 2).items()
             if name not in tuned}
    table, said = make_table(program, "table", tuned, 1)
    again, _ = make_table(program, "again", tuned, 2)
    none = program.folder / "none.json"
    none.write_text('{"schema_version": 1, "tuned_table": []}', encoding="utf-8")
    defaults = chosen_by(program, "defaults", tried, none)
    chosen = chosen_by(program, "rules", tried, table)
    rules = [reason.split(":")[1].split()[0].strip(",") for _, reason in chosen.values()]
    by_problem = {}
    for record in program.records("tried", {"problems": list(tried.values())}, "--variants",
                                  "auto," + candidates(program)[1], "--tuned-table", table, "--depth", "quick", "--budget",
                                  program.budget(1200)):
        by_problem.setdefault(record["problem"]["name"], []).append(record)
    found = {name: Loss(rivals, defaults[name][0]) for name, rivals in by_problem.items()}
    others = chosen_by(program, "rules-again", tried, again)
    differ = sum(can_be_told_apart(rivals, chosen[name][0], others[name][0]) for name, rivals in by_problem.items())
    return [*dispatch_claims(found, rules, said),
            at_most("dispatch", "problems on which the table of another sweep chooses another variant, beyond ties",
                    100 * differ / len(found), 1, " %")]


def dispatch_claims(found, rules, said):
    """`found` has the Loss of each problem, `rules` the rules that chose, and `said` what `tune` expected."""
    worst = max(found, key=lambda name: found[name].auto)
    slower = [name for name, loss in found.items() if loss.is_slower]
    expected = re.search(r"dispatch: (.*)", said)
    count = f"{len(found)} problems, {rules.count('interpolated')} of them interpolated"
    mean, default = (100 * sum(getattr(loss, rule) for loss in found.values()) / len(found)
                     for rule in ("auto", "default"))
    return [
        at_most("dispatch", f"auto behind the best of all variants, worst of {count} ({worst})",
                100 * found[worst].auto, 5, " %"),
        at_most("dispatch", f"the same, mean (the default: {default:.3g} %; tune expected {expected and expected[1]})",
                mean, 1, " %"),
        at_most("dispatch", "problems on which auto is slower than the default beyond noise" +
                "".join(f", {name}" for name in slower[:3]), len(slower), 0),
    ]


# The statuses of drill/fp16_d64_kv1, kv2, … of tests/plugin/drill_cuda_plugin.cu, in that order.
DRILL_OUTCOMES = ("ok", "crashed", "crashed", "timeout", "crashed", "incorrect", "incorrect", "out_of_memory", "crashed",
                  "crashed", "timeout", "ok")


def drill(program):
    """A sweep with variants that fail in every way: each gets its status, and all others are ranked."""
    plugin = program.build / "tests" / "libflashcore_drill_cuda_plugin.so"
    if program.backend != "cuda":
        return [Claim("drill", "a drill on the device", "a run", "needs a CUDA device; tests/e2e/test_worker.py tests the CPU", None)]
    if not plugin.exists():
        raise StepError(f"there is no {plugin}; configure with -DFLASHCORE_TESTS=ON")
    sweep = Sweep(program, "drill", "--plugin", plugin, "--config", "default", "--problem", SEED_PROBLEM, "--variants",
                  "drill/*,mma/*,wgmma/*", "--search", "exhaustive", "--timeout", "5")
    status = {record["variant"]: record["status"] for record in sweep.records}
    drilled = tuple(status.get(f"drill/fp16_d64_kv{number + 1}") for number in range(len(DRILL_OUTCOMES)))
    wrong = [f"kv{number + 1}: {got}" for number, (got, wanted) in enumerate(zip(drilled, DRILL_OUTCOMES))
             if got != wanted]
    ours = [record for record in sweep.records if role(record) != "plugin"]
    ranked = sum(hot_us(record) is not None for record in ours)
    return [Claim("drill", f"{len(DRILL_OUTCOMES)} variants that fail in every way, or not", "each its status",
                  ", ".join(wrong) or "each its status", not wrong),
            at_least("drill", f"timed of the {len(ours)} good ones among them", ranked / len(ours), 1)]


def ci(program):
    """A run of configs/ci.json ends within two minutes."""
    result = program.run("ci", [program.bench, "--config", "ci", "--device", program.device, "--format", "json",
                                "--output", program.folder / "ci"])
    return [at_most("ci", "seconds of configs/ci.json, from start to end", result.seconds, 120, " s")]
