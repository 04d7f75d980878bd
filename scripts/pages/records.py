"""Result files, and what tables and charts say of their records."""

import functools
import json
import os
import pathlib
import re

from records import role

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Site:
    """The tree that is read, and the page that is written: links are relative to it."""

    def __init__(self, root, page):
        self.root = root
        self.page = page  # relative to root

    def path(self, file):
        return self.root / file

    def load(self, file):
        return load(self.root / file)

    def link(self, file, text=None):
        target = os.path.relpath(self.root / file, (self.root / self.page).parent)
        return f"[{text or file}]({target})"


@functools.lru_cache(maxsize=None)
def load(path):
    return json.loads(path.read_text())


@functools.lru_cache(maxsize=None)
def timing_fields():
    """"hot_us" and so on, in the order in which headlines prefer them."""
    rows = (SOURCE / "src/record/timing_mode.hpp").read_text().partition("kTimingModes[]")[2]
    return tuple(f"{mode}_us" for mode in re.findall(r'\.name = "([a-z]+)"', rows))


def number(value, digits=3):
    """The value to so many significant digits, without an exponent; a dash when there is none."""
    if not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    decimals = 0
    while decimals < 6 and abs(value) < 10 ** (digits - 1 - decimals) and value != 0:
        decimals += 1
    return f"{value:.{decimals}f}"


def median(record, timing):
    return record.get("timing", {}).get(timing, {}).get("median")


def headline(record):
    """The median that speed-ups compare: of the first timing mode that was taken."""
    taken = (median(record, timing) for timing in timing_fields())
    return next((value for value in taken if value is not None), None)


def is_peer(record):
    return role(record) == "peer"


def problem_key(record, left_out=()):
    problem = {key: value for key, value in record["problem"].items() if key not in left_out}
    return json.dumps(problem, sort_keys=True)


def by_problem(records, left_out=()):
    """Lists of records, one per problem, in the order of the file."""
    problems = {}
    for record in records:
        problems.setdefault(problem_key(record, left_out), []).append(record)
    return list(problems.values())


def best_of_families(records):
    """The fastest right record of each family, in the order of the file."""
    best = {}
    for record in records:
        if record["status"] == "ok" and headline(record) is not None:
            rival = best.setdefault(record["family"], record)
            if headline(record) < headline(rival):
                best[record["family"]] = record
    return list(best.values())


def fastest(records):
    return min((record for record in best_of_families(records)), key=headline, default=None)


def peer_families(records):
    """Peers with at least one right record."""
    right = [record for record in records if is_peer(record) and record["status"] == "ok"]
    return list(dict.fromkeys(record["family"] for record in right))


def sizes(problem, dtype=True):
    """"batch 1, heads 8/2, seq 512×1024, head_dim 64, fp16, causal"."""
    heads, seq = str(problem["heads_q"]), str(problem["seq_q"])
    if problem["heads_kv"] != problem["heads_q"]:
        heads += f"/{problem['heads_kv']}"
    if problem["seq_kv"] != problem["seq_q"]:
        seq += f"×{problem['seq_kv']}"
    parts = [f"batch {problem['batch']}", f"heads {heads}", f"seq {seq}", f"head_dim {problem['head_dim']}"]
    parts += [problem["dtype"]] if dtype else []
    parts += ["causal"] if problem.get("causal") else []
    return ", ".join(parts)


def commit(environment):
    git = environment.get("git", {})
    if "commit" not in git:
        return "unknown commit"
    return f"commit `{git['commit'][:12]}`" + (" with changes" if git.get("dirty") else "")


def device_name(environment):
    return environment.get("device", {}).get("name", "unknown device")


def source_line(site, files):
    """Where the figures come from: device, CUDA, commit, day and files."""
    environment = site.load(files[0]).get("environment", {})
    cuda = environment.get("cuda", {})
    parts = [device_name(environment)]
    if "driver_version" in cuda:
        parts.append(f"driver for CUDA {cuda['driver_version']}, runtime {cuda.get('runtime_version', 'unknown')}")
    parts.append(commit(environment))
    if "time" in environment:
        parts.append(environment["time"][:10])
    return f"{', '.join(parts)}; medians, from {', '.join(site.link(file) for file in files)}."
