#!/usr/bin/env python3
"""Writes the blocks of README.md that come from files under results/, or checks that they are up to date.

A block stands between two marker comments; its words say what is written there and from which file:
    <!-- generated: ladder results/h100/ladder.json -->   one table a problem, best variant of each family
    <!-- generated: peers results/h100/peers.json -->     one line a problem, this project's best beside each peer
    <!-- generated: dtypes results/h100/fp8.json -->      one line a problem, the best variant of each dtype
    <!-- generated: repeats results/h100/aa-1.json,results/h100/aa-2.json -->   how rows of the same variant differ,
                                                          within each run and from each run to the next
    <!-- generated: text results/cpu/default.txt -->      the file as it is
    <!-- end -->
Exit code: 0 up to date (or written), 1 stale under --check, 2 a result file that cannot be read.
"""

import argparse
import json
import pathlib
import re
import statistics
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- generated: (\w+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
CLOCKS = ("hot_us", "cold_us", "call_us")
HEAD = ("variant", "hot us", "cold us", "call us", "TFLOP/s", "speed-up", "rel. L2 error", "registers")


def number(value, digits=3):
    """The value to so many significant digits, without an exponent; a dash for what was not taken."""
    if not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    decimals = 0
    while decimals < 6 and abs(value) < 10 ** (digits - 1 - decimals) and value != 0:
        decimals += 1
    return f"{value:.{decimals}f}"


def median(record, clock):
    return record.get("timing", {}).get(clock, {}).get("median")


def headline(record):
    """The median that speed-ups speak of: the first clock that was taken of hot, cold, call."""
    taken = (median(record, clock) for clock in CLOCKS)
    return next((value for value in taken if value is not None), None)


def best_of_families(records):
    """The fastest right record of each family, in ladder order (that of the file)."""
    best = {}
    for record in records:
        if record["status"] == "ok" and headline(record) is not None:
            rival = best.setdefault(record["family"], record)
            if headline(record) < headline(rival):
                best[record["family"]] = record
    return list(best.values())


def row(record, baseline):
    rel_l2 = record.get("check", {}).get("rel_l2")
    cells = [f"`{record['variant']}`"]
    cells += [number(median(record, clock)) for clock in CLOCKS]
    cells += [number(record.get("tflops")), number(headline(baseline) / headline(record)) + "×"]
    cells.append(f"{rel_l2:.1e}" if isinstance(rel_l2, float) else number(rel_l2))
    cells.append(number(record.get("resources", {}).get("registers"), 1))
    return f"| {' | '.join(cells)} |"


def describe(problem):
    heads = str(problem["heads_q"])
    if problem["heads_kv"] != problem["heads_q"]:
        heads += f"/{problem['heads_kv']}"
    sizes = f"batch {problem['batch']}, heads {heads}, seq {problem['seq_q']}"
    if problem["seq_kv"] != problem["seq_q"]:
        sizes += f"×{problem['seq_kv']}"
    mask = ", causal" if problem.get("causal") else ""
    return f"**{problem['name']}**: {sizes}, head_dim {problem['head_dim']}, {problem['dtype']}{mask}"


def source_line(document, file):
    """Where the figures come from: device, driver, CUDA, build, file."""
    environment = document.get("environment", {})
    cuda = environment.get("cuda", {})
    git = environment.get("git", {})
    parts = [environment.get("device", {}).get("name", "unknown device")]
    if "driver_version" in cuda:
        runtime = cuda.get("runtime_version", "unknown")
        parts.append(f"driver for CUDA {cuda['driver_version']}, runtime {runtime}")
    if "commit" in git:
        parts.append(f"commit `{git['commit'][:12]}`" + (" with changes" if git.get("dirty") else ""))
    return f"{', '.join(parts)}; medians, from [{file}]({file})."


def ladder(path, file):
    document = json.loads(path.read_text())
    problems = {}
    for record in document["records"]:
        problems.setdefault(json.dumps(record["problem"], sort_keys=True), []).append(record)
    lines = [source_line(document, file), ""]
    for records in problems.values():
        lines += [describe(records[0]["problem"]), ""]
        best = best_of_families(records)
        if not best:
            lines += ["No variant was right and timed.", ""]
            continue
        lines += [f"| {' | '.join(HEAD)} |", "|---" + "|---:" * (len(HEAD) - 1) + "|"]
        lines += [row(record, best[0]) for record in best] + [""]
    return "\n".join(lines)


def peers(path, file):
    document = json.loads(path.read_text())
    problems = {}
    for record in document["records"]:
        problems.setdefault(record["problem"]["name"], []).append(record)
    families = [family for family in dict.fromkeys(record["family"] for record in document["records"])
                if family.startswith("peer_")
                and any(record["status"] == "ok" for record in document["records"] if record["family"] == family)]
    lines = [source_line(document, file), "",
             f"| problem | fastest here | hot us | {' | '.join(f'`{family}`' for family in families)} | speed-up |",
             "|---|---" + "|---:" * (len(families) + 2) + "|"]
    ratios = []
    for name, records in problems.items():
        best = {record["family"]: record for record in best_of_families(records)}
        times = {family: headline(best[family]) if family in best else None for family in families}
        own = min((record for family, record in best.items() if not family.startswith("peer_")), key=headline, default=None)
        rivals = [time for time in times.values() if time is not None]
        if own is None or not rivals:
            continue
        ratios.append(min(rivals) / headline(own))
        cells = [name, f"`{own['variant']}`", number(headline(own))] + [number(time) for time in times.values()]
        lines.append(f"| {' | '.join(cells)} | {number(ratios[-1])}× |")
    mean = statistics.geometric_mean(ratios)
    lines += ["", f"The speed-up is over the fastest peer; its geometric mean over the {len(ratios)} problems is "
              f"{number(mean)}×.", ""]
    return "\n".join(lines)


def hot_rows(document):
    """Timed rows of each problem and variant: (median in us, whether the card was slowed down meanwhile)."""
    rows = {}
    for record in document["records"]:
        hot = record.get("timing", {}).get("hot_us")
        if record["status"] == "ok" and hot is not None:
            key = (json.dumps(record["problem"], sort_keys=True), record["variant"])
            rows.setdefault(key, []).append((hot["median"], hot.get("throttled_samples", 0) > 0))
    return rows


def spread_line(name, pairs, limit):
    """One line of the table of differences; `pairs` of (median, throttled), `limit` as a fraction."""
    apart = sorted(abs(a / b - 1) for (a, _), (b, _) in pairs)
    if not apart:
        return f"| {name} | 0 | – | – | – | – |"
    share = sum(difference <= limit for difference in apart) / len(apart)
    cells = [apart[len(apart) // 2], apart[min(len(apart) - 1, int(0.95 * len(apart)))], apart[-1]]
    figures = " | ".join(f"{100 * value:.2f} %" for value in cells)
    return f"| {name} | {len(apart)} | {100 * share:.1f} % (±{100 * limit:g} %) | {figures} |"


def spread_lines(name, pairs, limit):
    for kind, throttled in (("never slowed down", False), ("slowed down by the power cap", True)):
        chosen = [(a, b) for a, b in pairs if (a[1] or b[1]) == throttled]
        if chosen:
            yield spread_line(f"{name}, {kind}", chosen, limit)


def repeats(paths, files):
    documents = [json.loads(path.read_text()) for path in paths]
    rows = [hot_rows(document) for document in documents]
    lines = [source_line(documents[0], files[0]), "",
             "| compared | pairs | agree | half differ by at most | 95 % by at most | all by at most |",
             "|---|---:|---:|---:|---:|---:|"]
    for file, run in zip(files, rows):
        pairs = [(entries[0], entries[1]) for entries in run.values() if len(entries) > 1]
        lines += spread_lines(f"within [{pathlib.Path(file).stem}]({file})", pairs, 0.01)
    for before, after, file in zip(rows, rows[1:], files[1:]):
        pairs = [(before[key][0], after[key][0]) for key in before if key in after and before[key][0][0] > 10]
        lines += spread_lines(f"above 10 us, from the run before to {pathlib.Path(file).stem}", pairs, 0.02)
    return "\n".join([*lines, ""])


def text(path, _file):
    return f"```text\n{path.read_text().rstrip()}\n```\n"


def dtypes(path, file):
    document = json.loads(path.read_text())
    names = list(dict.fromkeys(record["problem"]["dtype"] for record in document["records"]))
    problems = {}
    for record in document["records"]:
        problem = {key: value for key, value in record["problem"].items() if key not in ("name", "dtype", "out_dtype")}
        found = problems.setdefault(json.dumps(problem, sort_keys=True), {name: [] for name in names})
        found[record["problem"]["dtype"]].append(record)
    lines = [source_line(document, file), "",
             f"| problem | {' | '.join(f'{name} us | {name} TFLOP/s | {name} variant' for name in names)} | speed-up |",
             "|---" + "|---:|---:|---" * len(names) + "|---:|"]
    for key, records in problems.items():
        problem = json.loads(key)
        best = [min(best_of_families(records[name]), key=headline) for name in names]
        sizes = (f"batch {problem['batch']}, heads {problem['heads_q']}, seq {problem['seq_q']}, "
                 f"head_dim {problem['head_dim']}{', causal' if problem.get('causal') else ''}")
        cells = [f"{number(headline(record))} | {number(record['tflops'])} | `{record['variant']}`" for record in best]
        lines.append(f"| {sizes} | {' | '.join(cells)} | {number(headline(best[0]) / headline(best[-1]))}× |")
    return "\n".join(lines + [""])


KINDS = {"dtypes": dtypes, "ladder": ladder, "peers": peers, "text": text}


def generate(match):
    begin, kind, file, end = match.groups()
    files = file.split(",")
    paths = [SOURCE / name for name in files]
    if not all(path.exists() for path in paths):
        body = f"Not recorded: `{file}`.\n"
    else:
        body = repeats(paths, files) if kind == "repeats" else KINDS[kind](paths[0], file)
    return f"{begin}{body}{end}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the README is stale")
    parser.add_argument("--readme", type=pathlib.Path, default=SOURCE / "README.md")
    arguments = parser.parse_args()
    old = arguments.readme.read_text()
    try:
        new = BLOCK.sub(generate, old)
    except (OSError, ValueError, KeyError) as error:
        print(f"{arguments.readme}: a block cannot be generated: {error!r}", file=sys.stderr)
        return 2
    if new == old:
        return 0
    if arguments.check:
        print(f"{arguments.readme}: is stale, run scripts/readme_tables.py", file=sys.stderr)
        return 1
    arguments.readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
