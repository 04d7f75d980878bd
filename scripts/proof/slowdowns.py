"""Is a planted slow-down seen, and are equal runs called equal?

The plug-in tests/plugin/planted_plugin.c runs the variant that libflashcore chooses, and then waits. Its variant LATE
waits FLASHCORE_PLANTED_US longer than its variant ON_TIME.
"""

import itertools
import json
import random

from .claims import Claim, at_least, at_most
from .program import StepError

ON_TIME, LATE = "planted/fp16_d128_kv1", "planted/fp16_d128_kv2"
PROBLEM = {"name": "planted", "heads_q": 16, "seq_q": 1024, "head_dim": 128}
SMALL_PROBLEM = {**PROBLEM, "heads_q": 2, "seq_q": 128}  # for a CPU
SEED = 1
RUNS_PER_SIDE = 3  # as in scripts/ci/gate.sh


def plugin(program):
    name = "libflashcore_planted_cuda_plugin.so" if program.backend == "cuda" else "libflashcore_planted_plugin.so"
    path = program.build / "tests" / name
    if not path.exists():
        raise StepError(f"there is no {path}; configure with -DFLASHCORE_TESTS=ON")
    return path


def problem(program):
    return PROBLEM if program.backend == "cuda" else SMALL_PROBLEM


def planted_config(program, budget_s):
    return {"name": "planted", "problems": [problem(program)], "variants": [ON_TIME, LATE],
            "measure": {"clocks": ["hot"], "min_samples": 15, "max_samples": 100, "relative_width": 0.002,
                        "budget_s": budget_s * program.scale}}


def timing_of(records, variant):
    return next(record["timing"]["hot_us"] for record in records
                if record["variant"] == variant and record["problem"]["name"] == "planted")


def measured_us(program):
    """The time of the planted variants when neither is late."""
    records = program.records("on-time", planted_config(program, 2), "--plugin", plugin(program))
    return timing_of(records, ON_TIME)["median"]


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


def ladder_config(program):
    """The ladder at head_dim 64; the planted variants have a problem of their own."""
    return {"name": "gate", "problems": [{"name": "seed", "heads_q": 8, "seq_q": [512, 1024], "head_dim": 64},
                                         problem(program)],
            "variants": ["*/fp16_d64*", "!planted/fp16_d64*", ON_TIME, LATE], "check": {"depth": "quick"},
            "measure": {"clocks": ["hot"], "min_samples": 15, "max_samples": 60, "relative_width": 0.01,
                        "budget_s": 6 * program.scale}}


def make_runs(program, side, count, late_us):
    """The result files of `count` runs; each run is a process of its own."""
    for number in range(count):
        program.records(f"{side}-{number:02}", ladder_config(program), "--plugin", plugin(program),
                        FLASHCORE_PLANTED_US=str(late_us))
    return [program.folder / f"{side}-{number:02}.json" for number in range(count)]


class Gate:
    """Compares finished runs as a gate does. All have the same machine code, so its hash must not decide."""

    def __init__(self, program, noise):
        self.program = program
        self.noise = noise
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
        """The exit code, and the verdict on the row of the late variant."""
        result = self.program.run("compare", [
            self.program.bench, "compare", self._side("base", base), self._side("new", new), "--format", "json",
            "--ignore-code-hash", *self.noise], codes=(0, 1, 3), XDG_DATA_HOME=str(self.program.folder))
        rows = json.loads(result.stdout)["rows"]
        return result.code, next(row["verdict"] for row in rows if row["variant"] == LATE)


def draws(count, base, new):
    """`count` pairs of sides; no run is on both sides of a pair."""
    chance = random.Random(SEED)
    for _ in range(count):
        left = chance.sample(base, RUNS_PER_SIDE)
        yield left, chance.sample([run for run in new if run not in left], RUNS_PER_SIDE)


def judge_gate(program, words, noise, base, late):
    gate = Gate(program, noise)
    alike = [gate.verdict([left], [right])[0] for left, right in
             itertools.islice(itertools.combinations(base, 2), program.count(200))]
    folders = [gate.verdict(left, right)[0] for left, right in draws(program.count(200), base, base)]
    planted_verdicts = [gate.verdict(left, right) for left, right in draws(program.count(40), base, late)]
    seen = sum(code == 1 and row == "slower" for code, row in planted_verdicts)
    return [
        at_most("gate", f"of {len(alike)} pairs of equal runs called slower, {words}", alike.count(1), 1),
        at_most("gate", f"of {len(folders)} sides of {RUNS_PER_SIDE} equal runs called slower, {words}",
                folders.count(1), 1),
        at_least("gate", f"of {len(planted_verdicts)} sides of {RUNS_PER_SIDE} with 3 % planted called slower, {words}",
                 seen / len(planted_verdicts), 0.95),
    ]


def gate_runs(program):
    """Equal runs of the ladder, and runs in which one variant is 3 % slower."""
    late_us = 0.03 * measured_us(program)
    make_runs(program, "base", max(program.count(21), 2 * RUNS_PER_SIDE), 0)
    make_runs(program, "late", max(program.count(9), RUNS_PER_SIDE), late_us)
    return []


def gate(program):
    """Compares the runs of the step gate_runs; needs no device."""
    runs = program.folder.parent / "gate_runs"
    base, late = (sorted(runs.glob(f"{side}-*.json")) for side in ("base", "late"))
    if len(base) < 2 * RUNS_PER_SIDE or len(late) < RUNS_PER_SIDE:
        return [Claim("gate", "the gate's verdicts", "runs", "the step gate_runs has not been run", None)]
    noise = program.folder / "noise.json"
    program.run("calibrate", [program.bench, "compare", "--calibrate", *base, "--noise", noise])
    return (judge_gate(program, "stated noise", [], base, late)
            + judge_gate(program, "calibrated noise", ["--noise", noise], base, late))


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
