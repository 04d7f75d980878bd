"""Do variants that harm their device cost one row each?"""

import json

from .claims import Claim
from .program import StepError, hot_us, read_records

PROBLEM = "batch=1,heads_q=2,seq_q=128,head_dim=64"
TIMEOUT_S = "5"

# The variants hostile/fp16_d64_kv1, kv2, … of tests/hostile/hostile_cuda_plugin.cu, and the statuses that each may have.
# A context that was reset is noticed by the call after it, which fails in one way or the other. What takes memory in
# silence is right, unless it needs some itself.
ATTACKS = {
    1: ("none", {"ok"}),
    2: ("an illegal address", {"crashed"}),
    3: ("an endless kernel", {"timeout"}),
    4: ("a device-side assert", {"crashed"}),
    5: ("a context reset", {"crashed", "error"}),
    6: ("work in a leaked stream", {"timeout"}),
    7: ("all memory, which fails", {"out_of_memory"}),
    8: ("all memory in silence", {"ok", "out_of_memory", "error"}),
    9: ("an illegal address after the check", {"crashed"}),
    10: ("a context reset after the check", {"crashed", "error"}),
    11: ("none, the last", {"ok"}),
}
HARMLESS = {number for number, (_, allowed) in ATTACKS.items() if allowed == {"ok"}}


def variant(number):
    return f"hostile/fp16_d64_kv{number}"


def surprises(records):
    """The attacks whose record has a status that it must not have, or no reason."""
    by_variant = {record["variant"]: record for record in records}
    found = []
    for number, (attack, allowed) in ATTACKS.items():
        record = by_variant.get(variant(number), {"status": "no record"})
        is_told = record["status"] == "ok" or record.get("reason")
        if record["status"] not in allowed or not is_told:
            found.append(f"{attack}: {record['status']}")
    return found


def claims_of(command, records):
    wrong = surprises(records)
    others = [record for record in records if not record["variant"].startswith("hostile/")]
    lost = [record["variant"] for record in others if record["status"] != "ok" or hot_us(record) is None]
    return [Claim("hostile", f"{command}: {len(ATTACKS)} hostile variants, or harmless ones", "each its status",
                  "; ".join(wrong) or "each its status", not wrong),
            Claim("hostile", f"{command}: the {len(others)} other variants beside them", "all timed",
                  ", ".join(lost) or "all timed", bool(others) and not lost)]


def diagnoses(program, options):
    """The attacks that a diagnosis does not survive or does not see."""
    wrong = []
    for number, (attack, _) in ATTACKS.items():
        result = program.run(f"diagnose-{number}", [program.bench, *options[:2], "-q", "diagnose", variant(number),
                                                    "--device", program.device, "--problem", PROBLEM, "--timeout",
                                                    TIMEOUT_S, "--json"], codes=(0, 1, 4))
        verdict = json.loads(result.stdout)["faults"] if result.stdout else [{"fault": "an error line"}]
        is_healthy = not verdict
        is_told = bool(result.stdout) or "flashcore-bench: error: " in result.stderr
        may_be_healthy = "ok" in ATTACKS[number][1]
        if not is_told or (number in HARMLESS and not is_healthy) or (is_healthy and not may_be_healthy):
            wrong.append(f"{attack}: {verdict[0]['fault'] if verdict else 'nothing is wrong'}")
    return wrong


def hostile(program):
    """Plug-ins that harm their device, its context or its memory cost one row each, in run, tune and diagnose."""
    if program.backend != "cuda":
        return [Claim("hostile", "hostile plug-ins on the device", "a run",
                      "needs a CUDA device; tests/hostile/test_plugins.py attacks the CPU", None)]
    plugin = program.build / "tests" / "libflashcore_hostile_cuda_plugin.so"
    if not plugin.exists():
        raise StepError(f"there is no {plugin}; configure with -DFLASHCORE_TESTS=ON")
    options = ["--plugin", plugin, "--device", program.device, "--problem", PROBLEM, "--variants",
               "hostile/*,mma/fp16_d64_*", "--timeout", TIMEOUT_S, "--budget", program.budget(60)]
    program.run("run", [program.bench, *options, "--format", "json", "--output", program.folder / "run"], codes=(0, 1, 4))
    found = claims_of("run", read_records(program.folder / "run.json"))
    program.run("tune", [program.bench, "tune", *options, "--fresh", "--search", "exhaustive", "--output",
                         program.folder / "tune"], codes=(0, 1, 4))
    found += claims_of("tune", read_records(program.folder / "tune.records.json"))
    wrong = diagnoses(program, options)
    return [*found, Claim("hostile", f"diagnose: the same {len(ATTACKS)} variants", "each its verdict",
                          "; ".join(wrong) or "each its verdict", not wrong)]
