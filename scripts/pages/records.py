"""Result files, and what tables and charts say of their records."""

import functools
import json
import os
import pathlib
import re
import subprocess

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

    def records(self, file):
        """The records of a result file, with what the program says of them: `falls_short`."""
        return read_records(self.root / file)

    def report(self, file):
        """What the program says of a result file."""
        return report(self.root / file)

    def link(self, file, text=None):
        target = os.path.relpath(self.root / file, (self.root / self.page).parent)
        return f"[{text or file}]({target})"


@functools.lru_cache(maxsize=None)
def load(path):
    return json.loads(path.read_text())


def program():
    """The program that was built last, or that of FLASHCORE_BENCH."""
    built = sorted(SOURCE.glob("build/*/flashcore-bench"), key=lambda path: path.stat().st_mtime)
    found = os.environ.get("FLASHCORE_BENCH") or (built and built[-1])
    if not found:
        raise ValueError("flashcore-bench is not built: conclusions come from `flashcore-bench report`")
    return found


@functools.lru_cache(maxsize=None)
def report(path):
    """`flashcore-bench report --format json` of a result file."""
    result = subprocess.run([program(), "-q", "report", path, "--format", "json"], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        raise ValueError(result.stderr.strip())
    return json.loads(result.stdout)


@functools.lru_cache(maxsize=None)
def read_records(path):
    records = load(path)["records"]
    grouped = [record for same in by_problem(records) for record in same]
    said = report(path)["records"]
    if [record["variant"] for record in grouped] != [record["variant"] for record in said]:
        raise ValueError(f"{path}: the report has other records")
    for record, words in zip(grouped, said):
        record["falls_short"] = words.get("falls_short", False)
    return records


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


def headline_timing(record):
    """The timing of that median."""
    taken = record.get("timing", {})
    return next((taken[field] for field in timing_fields() if field in taken), None)


def half_interval(record):
    """Half of the 95 % interval, relative to the median."""
    timing = headline_timing(record)
    return f"{50 * (timing['ci95'][1] - timing['ci95'][0]) / timing['median']:.1f} %"


def sample_count(record):
    return str(headline_timing(record)["n"])


def sign(record):
    """Behind a figure of a record that falls short of its run's stopping rule."""
    return " ‡" if record and record["falls_short"] else ""


def is_peer(record):
    return role(record) == "peer"


def problem_key(record, left_out=()):
    left_out = (*left_out, "source", "weight")
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


def source_line(site, files, figures="medians, "):
    """Where the figures come from: device, CUDA, commit, day and files."""
    environment = site.load(files[0]).get("environment", {})
    cuda = environment.get("cuda", {})
    parts = [device_name(environment)]
    if "driver_version" in cuda:
        parts.append(f"driver for CUDA {cuda['driver_version']}, runtime {cuda.get('runtime_version', 'unknown')}")
    parts.append(commit(environment))
    if "time" in environment:
        parts.append(environment["time"][:10])
    return f"{', '.join(parts)}; {figures}from {', '.join(site.link(file) for file in files)}."
