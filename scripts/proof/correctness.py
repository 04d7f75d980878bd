"""Are the kernels right, and does diagnosis name the fault of a broken one?"""

import collections
import concurrent.futures
import json
import re

from . import cheats
from .claims import Claim
from .program import read_records

SHAPE = {"heads_q": 4, "heads_kv": 2, "seq_q": 200, "seq_kv": 331, "causal": [False, True]}
WIDE = {**SHAPE, "head_dim": [32, 64, 96, 128, 256], "dtype": ["fp16", "bf16"]}
EIGHT_BITS = {**SHAPE, "head_dim": [64, 128, 256], "dtype": "e4m3"}
DEEP = {"name": "deep", "check": {"depth": "deep"}, "measure": {"clocks": []}}


def deep(program):
    """Every variant passes the deep check."""
    chosen = ({"problems": [WIDE, EIGHT_BITS], "variants": ["*", "!peer_*"]} if program.backend == "cuda" else
              {"problems": [WIDE], "variants": ["*"]})
    records = program.records("deep", {**DEEP, **chosen}, codes=(0, 1, 4))
    found = collections.Counter(record["status"] for record in records)
    bad = [record for record in records if record["status"] not in ("ok", "unsupported")]
    got = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
    if bad:
        got += f"; first: {bad[0]['variant']}: {bad[0].get('reason', '')}"
    variants = len({record["variant"] for record in records})
    return [Claim("deep", f"all {variants} variants pass the deep check", "no other status than ok", got,
                  not bad and found["ok"] > 0)]


def gpu_tests(program):
    """The tests that need a device; one of them repeats kernels 1000 times and compares bits."""
    tests = program.build / "tests" / "flashcore_gpu_tests"
    if not tests.exists():
        return [Claim("gpu_tests", "tests on the device", "none fails", f"there is no {tests}", None)]
    # Threads that wait leave their cores to the other tests of a shared machine.
    result = program.run("gpu_tests", [tests, "--gtest_brief=1"], codes=(0, 1), OMP_WAIT_POLICY="passive")
    counts = re.findall(r"\[ +(PASSED|SKIPPED|FAILED) +\] (\d+) tests?", result.stdout)
    got = ", ".join(f"{count} {word.lower()}" for word, count in counts)
    return [Claim("gpu_tests", "tests on the device", "none fails", got, result.code == 0)]


def faults(program):
    """Each of the kernels with one deliberate fault gets its verdict, and no kernel gets away without its work."""
    matrix = program.build / "tests" / "flashcore_fault_matrix"
    result = program.run("faults", [matrix, program.backend, program.folder / "fault-matrix.json"], codes=(0, 1))
    return [Claim("faults", "every broken kernel gets its verdict, the right kernel none", "all as expected",
                  "all as expected" if result.code == 0 else "see faults.log", result.code == 0),
            *cheats.claims(program)]


def alarm_claim(records, what):
    """A claim about records of right kernels."""
    found = collections.Counter(record["status"] for record in records)
    false = [record for record in records if record["status"] in ("incorrect", "suspect")]
    got = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
    if false:
        got += f"; first: {false[0]['problem']['name']}, {false[0]['variant']}: {false[0].get('reason', '')}"
    return Claim("alarms", f"right kernels that are called incorrect or suspect, {what}", "none", got,
                 not false and found["ok"] > 0)


def alarm_records(program, number, name, place):
    """The records of one problem of one pass. A run that has ended before is not made again."""
    file = f"{name}-{number}-{place:02}"
    if (program.folder / f"{file}.log").exists():  # written when a run has ended
        return read_records(program.folder / f"{file}.json")
    config = json.loads((program.source / "configs" / f"{name}.json").read_text(encoding="utf-8"))
    config["measure"]["budget_s"] = program.scale
    config["problems"] = [config["problems"][place]]
    return program.records(file, config, "--seed", number, codes=(0, 1, 4))


def alarms(program):
    """No right kernel is called incorrect or suspect: every variant on the shipped problems, five times.

    Each problem of a pass is a run of its own, so that the step can be interrupted and goes on. With several jobs, the
    runs of different passes use the device at once.
    """
    passes, runs = program.count(5), []
    for name in ("peers", "ci") if program.backend == "cuda" else ("ci",):
        problems = json.loads((program.source / "configs" / f"{name}.json").read_text(encoding="utf-8"))["problems"]
        runs += [(number, name, place) for place in range(len(problems)) for number in range(passes)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=program.jobs) as pool:
        records = [record for found in pool.map(lambda run: alarm_records(program, *run), runs) for record in found]
    what = f"{passes} passes" + (f", {program.jobs} runs at once" if program.jobs > 1 else "")
    return [alarm_claim(records, what)]


def sanitize(program):
    """compute-sanitizer finds nothing in any variant."""
    script = program.source / "scripts" / "sanitize.sh"
    result = program.run("sanitize", [script], codes=(0, 1, 4), FLASHCORE_BENCH=str(program.bench))
    if result.code == 4:
        return [Claim("sanitize", "compute-sanitizer", "0 errors", result.stderr.strip().splitlines()[-1], None)]
    claims = []
    for line in result.stdout.splitlines()[1:]:
        tool, errors, verdict = line.split(maxsplit=2)
        claims.append(Claim("sanitize", tool, "0 errors", f"{errors} errors, {verdict}", verdict == "fine"))
    return claims
