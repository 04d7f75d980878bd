"""Is a planted slow-down seen, and are equal runs called equal?

The plug-in tests/plugin/planted_plugin.c runs the variant that libflashcore chooses, and then waits. The variant of
block_kv 1 is on time; the others wait longer, by the list in FLASHCORE_PLANTED_US.
"""

import collections
import itertools
import json
import random

from .claims import Claim, at_least, at_most
from .program import StepError

ON_TIME, LATE = "planted/fp16_d128_kv1", "planted/fp16_d128_kv2"
PROBLEM = {"name": "planted", "heads_q": 32, "seq_q": 1024, "head_dim": 128}
SMALL_PROBLEM = {"name": "planted_small", "heads_q": 8, "seq_q": 512, "head_dim": 64}  # below 20 us on a GPU
ON_TIME_SMALL = "planted/fp16_d64_kv1"
CPU_SIZE = {"heads_q": 2, "seq_q": 128}
SEED = 1
RUNS_PER_SIDE = 3  # as in scripts/ci/gate.sh

# A row of the late runs. `runs` a side have to show it.
Late = collections.namedtuple("Late", "problem variant share runs")
LATE_ROWS = (Late("planted_small", "planted/fp16_d64_kv2", 0.03, RUNS_PER_SIDE),
             Late("planted_small", "planted/fp16_d64_kv3", 0.06, 1),
             Late("planted", "planted/fp16_d128_kv4", 0.03, 1))


def plugin(program):
    name = "libflashcore_planted_cuda_plugin.so" if program.backend == "cuda" else "libflashcore_planted_plugin.so"
    path = program.build / "tests" / name
    if not path.exists():
        raise StepError(f"there is no {path}; configure with -DFLASHCORE_TESTS=ON")
    return path


def problems(program):
    """The planted ones: one of at least 20 us and a small one, by name."""
    size = {} if program.backend == "cuda" else CPU_SIZE
    return {one["name"]: {**one, **size} for one in (PROBLEM, SMALL_PROBLEM)}


def planted_config(program, budget_s, problem="planted", variants=(ON_TIME, LATE)):
    return {"name": "planted", "problems": [problems(program)[problem]], "variants": list(variants),
            "measure": {"clocks": ["hot"], "min_samples": 15, "max_samples": 100, "relative_width": 0.002,
                        "budget_s": budget_s * program.scale}}


def timing_of(records, variant):
    return next(record["timing"]["hot_us"] for record in records
                if record["variant"] == variant and record["problem"]["name"].startswith("planted"))


def measured_us(program, problem="planted", variant=ON_TIME):
    """The time of a planted variant that is on time."""
    records = program.records(f"on-time-{problem}", planted_config(program, 2, problem, [variant]), "--plugin",
                              plugin(program))
    return timing_of(records, variant)["median"]


def planted(program):
    """In one run, the intervals of a variant and of its copy that is 2 % slower do not overlap."""
    late_us = 0.02 * measured_us(program)
    tries, apart, ratios = program.count(20), 0, []
    for number in range(tries):
        records = program.records(f"late-{number}", planted_config(program, 1), "--plugin", plugin(program),
                                  "--seed", number, FLASHCORE_PLANTED_US=str(late_us))
        on_time, late = timing_of(records, ON_TIME), timing_of(records, LATE)
        ratios.append(late["median"] / on_time["median"])
        apart += late["ci95"][0] > on_time["ci95"][1]
    return [at_least("planted", f"runs of {tries} in which the intervals show 2 % (ratios {min(ratios):.4f} to "
                                f"{max(ratios):.4f})", apart / tries, 0.95)]


def with_planted(program, config):
    """The config, with the planted problems and variants, checked quickly."""
    config["problems"] += problems(program).values()
    config["variants"] = [*config["variants"], ON_TIME, ON_TIME_SMALL, *(late.variant for late in LATE_ROWS)]
    return {**config, "check": {"depth": "quick"}, "measure": {**config["measure"], "clocks": ["hot"],
                                                               "budget_s": config["measure"]["budget_s"] * program.scale}}


def shipped(program, name):
    return json.loads((program.source / "configs" / f"{name}.json").read_text(encoding="utf-8"))


def ladder_config(program):
    """The ladder at head_dim 64."""
    return {"name": "ladder", "problems": [{"name": "seed", "heads_q": 8, "seq_q": [512, 1024], "head_dim": 64}],
            "variants": ["*/fp16_d64*"],
            "measure": {"min_samples": 15, "max_samples": 60, "relative_width": 0.01, "budget_s": 10}}


def peers_config(program):
    """Every third problem of configs/peers.json, with the variant that `auto` takes and with cuDNN."""
    config = shipped(program, "peers")
    config.update(name="gate_peers", problems=config["problems"][::3], variants=["auto", "peer_*"])
    config["measure"].update(budget_s=20)
    return config


def ci_config(program):
    """The problems of configs/ci.json, with some of the families."""
    config = shipped(program, "ci")
    config.update(name="gate_ci", variants=["scalar/*", "wgmma/*", "peer_*"])
    config["measure"].update(budget_s=14)
    return config


# How many equal runs and late runs a step makes.
Plan = collections.namedtuple("Plan", "make_config base late")
PLANS = {"cuda": {"ci": Plan(ci_config, 14, 6), "ladder": Plan(ladder_config, 14, 6), "peers": Plan(peers_config, 6, 0)},
         "cpu": {"ladder": Plan(ladder_config, 15, 0)}}  # 3 % is less than a CPU's times differ between runs


def delays(program):
    """FLASHCORE_PLANTED_US for the variants of block_kv 2, 3 and 4."""
    on_time = {"planted": measured_us(program), "planted_small": measured_us(program, "planted_small", ON_TIME_SMALL)}
    return ",".join(f"{late.share * on_time[late.problem]:.4f}" for late in LATE_ROWS)


class Gate:
    """Compares finished runs as a gate does."""

    def __init__(self, program, options):
        self.program = program
        self.options = options
        self.sides = program.folder / "sides"

    def _side(self, name, runs):
        folder = self.sides / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for run in runs:
            (folder / run.name).symlink_to(run.resolve())
        return folder

    def verdict(self, base, new):
        """The exit code, and the verdicts by problem and variant."""
        result = self.program.run("compare", [
            self.program.bench, "compare", self._side("base", base), self._side("new", new), "--format", "json",
            *self.options], codes=(0, 1, 3), XDG_DATA_HOME=str(self.program.folder))
        return result.code, {(row["problem"], row["variant"]): row["verdict"]
                             for row in json.loads(result.stdout)["rows"]}


def draws(count, base, new, runs=RUNS_PER_SIDE):
    """`count` pairs of sides of `runs` runs; no run is on both sides of a pair."""
    chance = random.Random(SEED)
    for _ in range(count):
        left = chance.sample(base, runs)
        yield left, chance.sample([run for run in new if run not in left], runs)


def false_alarms(gate, runs, make_pairs, what, words):
    """A claim about pairs of equal sides of each config: at most 1 of 200 is called slower."""
    codes = {name: [gate.verdict(left, right)[0] for left, right in make_pairs(base)]
             for name, (base, _) in runs.items()}
    tried = sum(map(len, codes.values()))
    parts = ", ".join(f"{name} {found.count(1)} of {len(found)}" for name, found in codes.items())
    return at_most("gate", f"of {tried} pairs of {what} called slower ({parts}), {words}",
                   sum(found.count(1) for found in codes.values()), max(tried // 200, 1))


def seen_claims(gate, runs, count, words):
    """Claims about each planted row of configs with late runs: at least 95 % of the pairs show it."""
    late_runs = [(base, slow) for base, slow in runs.values() if slow]
    for late in LATE_ROWS if late_runs else ():
        seen = tried = 0
        for base, slow in late_runs:
            for left, right in draws(count, base, slow, late.runs):
                code, rows = gate.verdict(left, right)
                seen += code == 1 and rows[late.problem, late.variant] == "slower"
                tried += 1
        yield at_least("gate", f"of {tried} pairs of {late.runs} runs a side, {late.share:.0%} of {late.problem} called "
                               f"slower, {words}", seen / tried, 0.95)


def gate_runs(program):
    """Equal runs of several configs, and runs in which planted rows are 3 and 6 % slower."""
    late_us = delays(program)
    plans = PLANS[program.backend]
    for number in range(max(program.count(plan.base) for plan in plans.values())):  # in turns
        for name, plan in plans.items():
            config = with_planted(program, plan.make_config(program))
            for side, count, us in (("base", plan.base, "0"), ("late", plan.late, late_us)):
                if number < (count and max(program.count(count), 2 * RUNS_PER_SIDE)):
                    program.records(f"{name}-{side}-{number:02}", config, "--plugin", plugin(program),
                                    FLASHCORE_PLANTED_US=us)
    return []


def gate(program):
    """Compares the runs of the step gate_runs; needs no device."""
    folder = program.folder.parent / "gate_runs"
    runs = {name: [sorted(folder.glob(f"{name}-{side}-*.json")) for side in ("base", "late")]
            for name in PLANS[program.backend]}
    if any(len(base) < 2 * RUNS_PER_SIDE for base, _ in runs.values()):
        return [Claim("gate", "the gate's verdicts", "runs", "the step gate_runs has not been run", None)]

    def single(base):
        return ([[left], [right]] for left, right in itertools.combinations(base, 2))

    calibrated = program.folder / "noise.json"
    program.run("calibrate", [program.bench, "compare", "--calibrate", *runs["ladder"][0], "--noise", calibrated])
    by_times = ("--ignore-code-hash",)
    claims = []
    for options, words in (((), "equal machine code is the same"), (by_times, "by times alone"),
                           ((*by_times, "--noise", calibrated), "by times alone, calibrated noise")):
        judge = Gate(program, options)
        claims.append(false_alarms(judge, runs, single, "equal runs", words))
        claims.append(false_alarms(judge, runs, lambda base: draws(program.count(60), base, base),
                                   f"{RUNS_PER_SIDE} equal runs a side", words))
        claims += seen_claims(judge, runs, program.count(30), words)
    return claims


def live(program):
    """compare --live sees 1 %; the older build is this one, run by a script that plants no delay."""
    folder = program.folder
    folder.mkdir(parents=True, exist_ok=True)
    on_time = folder / "on-time.sh"
    on_time.write_text(f'#!/bin/sh\nFLASHCORE_PLANTED_US=0 exec "{program.bench.resolve()}" "$@"\n')
    on_time.chmod(0o755)
    config = folder / "live-config.json"
    config.write_text(json.dumps(planted_config(program, 1)))
    whole_us = measured_us(program)

    def verdicts(share, tries):
        for number in range(tries):
            result = program.run(f"live-{number}-{share}", [
                program.bench, "--plugin", plugin(program), "compare", "--live", on_time, "--config", config,
                "--device", program.device, "--variants", LATE, "--format", "json"], codes=(0, 1, 3),
                FLASHCORE_PLANTED_US=str(share * whole_us))
            yield json.loads(result.stdout)["rows"][0]["verdict"]

    tries = program.count(20)
    late = list(verdicts(0.01, tries))
    equal = list(verdicts(0, tries))
    return [at_least("live", f"of {tries} live comparisons with 1 % planted called slower",
                     late.count("slower") / tries, 0.95),
            at_most("live", f"of {tries} live comparisons of equals called slower", equal.count("slower"), 1)]
