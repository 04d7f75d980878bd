"""Are kernels caught that do not do the work that is timed? tests/plugin/cheats.hpp lists them."""

import re

from .claims import Claim
from .program import StepError, hot_us

HONEST = "Honest"
PATCHES_CLOCK = "PatchesClock"  # the clock of a whole worker process, so it gets one of its own
SEQUENCES = {"cuda": (64, 512, 4096), "cpu": (64, 512)}
# A kernel that takes as long as the honest one does the work, whatever it does beside.
HONEST_SHARE = 0.9


def names(program):
    """The cheats by their number, from the enumeration of the plug-ins."""
    text = (program.source / "tests" / "plugin" / "cheats.hpp").read_text(encoding="utf-8")
    words = re.findall(r"^  k(\w+)", text.partition("enum Cheat")[2].partition("};")[0], re.MULTILINE)
    return dict(enumerate(words, start=1))


def plugin(program):
    name = "libflashcore_cheat_cuda_plugin.so" if program.backend == "cuda" else "libflashcore_cheat_plugin.so"
    path = program.build / "tests" / name
    if not path.exists():
        raise StepError(f"there is no {path}; configure with -DFLASHCORE_TESTS=ON")
    return path


def records_of(program, seq, name, variants):
    config = {"name": "cheats", "problems": [{"heads_q": 4, "heads_kv": 2, "seq_q": seq, "head_dim": 64}],
              "variants": variants,
              "measure": {"clocks": ["hot", "cold", "call"], "min_samples": 5, "max_samples": 20, "budget_s": 5}}
    return program.records(f"{name}-{seq}", config, "--plugin", plugin(program), codes=(0, 1, 4))


def escapes(records, known):
    """Cheats that are ok in less time than the honest kernel, and an honest kernel that is not ok."""
    by_name = {known[int(record["variant"].rpartition("_kv")[2])]: record for record in records}
    honest = by_name.pop(HONEST)
    if honest["status"] != "ok":
        return [f"{HONEST}: {honest['status']}"]
    return [f"{name}: ok at {hot_us(record):.4g} us (honest: {hot_us(honest):.4g})"
            for name, record in by_name.items()
            if record["status"] not in ("incorrect", "suspect") and
            (record["status"] != "ok" or hot_us(record) < HONEST_SHARE * hot_us(honest))]


def claims(program):
    """One claim per sequence length."""
    known = names(program)
    patches_clock = next(number for number, name in known.items() if name == PATCHES_CLOCK)
    own = f"cheat/fp16_d64_kv{patches_clock}"
    found = []
    for seq in SEQUENCES[program.backend]:
        records = records_of(program, seq, "cheats", ["cheat/*", f"!{own}"])
        escaped = escapes(records, known)
        clock, = records_of(program, seq, "clock", [own])
        if clock["status"] != "suspect":
            escaped.append(f"{PATCHES_CLOCK}: {clock['status']}")
        found.append(Claim("faults", f"kernels that do not do their work at {seq} queries, of {len(records)}",
                           "incorrect, suspect or no faster", "; ".join(escaped) or "all", not escaped))
    return found
