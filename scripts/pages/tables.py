"""Markdown tables, one function per kind of block. Each takes the site, the files and the words after them."""

import re

from . import records as rec
from .records import headline, number
from .schema import keys


def is_number(cell):
    return re.fullmatch(r"[-+]?[0-9.]+(e[-+]\d+)?(×| %.*)?( ‡)?|–|", cell) is not None


def table(head, rows):
    """A Markdown table; columns of numbers are aligned right."""
    columns = list(zip(*rows))
    line = "|" + "".join("---:|" if all(map(is_number, column)) else "---|" for column in columns)
    return [f"| {' | '.join(head)} |", line] + [f"| {' | '.join(row)} |" for row in rows]


def conclusion(site, file, problem=None):
    """The program's sentences on a file, or on one problem of it; ids become code."""
    said = site.report(file)
    sentences = said["files"][0]["conclusion"]
    if problem is not None:
        sentences = [one["conclusion"] for one in said["problems"] if one["name"] == problem and one["conclusion"]]
    ids = {record["variant"] for record in said["records"]}
    texts = (re.sub(r"[^\s(),;]+", lambda word: f"`{word[0]}`" if word[0] in ids else word[0], text)
             for text in sentences)
    return [f"{text[0].upper()}{text[1:]}." for text in texts]


def means(site, files, _words=()):
    """The program's sentences on all problems of a file."""
    return conclusion(site, files[0])


def short_note(site, file, records):
    """What the sign at rows means, where one of them has it."""
    if not any(record["falls_short"] for record in records if record):
        return []
    return ["", f"‡ {site.report(file)['files'][0]['falls_short_means']}."]


def ladder_table(site, file, records, timings):
    best = rec.best_of_families(records)
    if not best:
        return ["No variant was right and timed."]
    rows = []
    for record in best:
        rel_l2 = record.get("check", {}).get("rel_l2")
        rows.append([f"`{record['variant']}`", *(number(rec.median(record, timing)) for timing in timings),
                     rec.half_interval(record), rec.sample_count(record) + rec.sign(record),
                     number(record.get("tflops")), number(headline(best[0]) / headline(record)) + "×",
                     f"{rel_l2:.1e}" if isinstance(rel_l2, float) else number(rel_l2),
                     number(record.get("resources", {}).get("registers"), 1)])
    head = ["variant", *(timing.replace("_us", " µs") for timing in timings), "±", "n", "TFLOP/s", "speed-up",
            "rel. L2 error", "registers"]
    return table(head, rows) + short_note(site, file, best)


def ladder(site, files, names=()):
    """One table per problem, the fastest right variant of each family; `names` choose problems."""
    records = [record for record in site.records(files[0])
               if not names or record["problem"]["name"] in names]
    timings = [timing for timing in rec.timing_fields() if any(rec.median(record, timing) for record in records)]
    lines = [rec.source_line(site, files), ""]
    lines += [] if names else [*conclusion(site, files[0]), ""]
    for same in rec.by_problem(records):
        problem = same[0]["problem"]
        lines += [f"**{problem['name']}**: {rec.sizes(problem)}", "", *conclusion(site, files[0], problem["name"]), "",
                  *ladder_table(site, files[0], same, timings), ""]
    return lines


def peers(site, files, _words=()):
    """One line per problem: the fastest variant of this project beside each peer."""
    records = site.records(files[0])
    families = rec.peer_families(records)
    rows, shown = [], []
    for same in rec.by_problem(records):
        own = rec.fastest([record for record in same if not rec.is_peer(record)])
        best = {record["family"]: record for record in rec.best_of_families(same)}
        rivals = [best.get(family) for family in families]
        if own is None or not any(rivals):
            continue
        ratio = min(headline(rival) for rival in rivals if rival) / headline(own)
        rows.append([same[0]["problem"]["name"], f"`{own['variant']}`", number(headline(own)),
                     rec.half_interval(own), rec.sample_count(own) + rec.sign(own),
                     *(number(headline(rival)) + rec.sign(rival) if rival else "–" for rival in rivals),
                     number(ratio) + "×"])
        shown += [own, *rivals]
    if not rows:
        return [rec.source_line(site, files), "", "No problem was timed on both sides."]
    head = ["problem", "fastest here", "µs", "±", "n", *(f"`{family}`" for family in families), "speed-up"]
    return [rec.source_line(site, files), "", *conclusion(site, files[0]), "", *table(head, rows),
            *short_note(site, files[0], shown), "", "The speed-up is over the fastest peer."]


def dtypes(site, files, _words=()):
    """One line per problem, the fastest variant of this project in each dtype, and each peer in each dtype that it has run;
    the speed-up is the last dtype's over the first."""
    records = site.records(files[0])
    names = list(dict.fromkeys(record["problem"]["dtype"] for record in records))
    rivals = [(family, name) for family in rec.peer_families(records) for name in names
              if rec.peer_families([record for record in records if record["problem"]["dtype"] == name
                                    and record["family"] == family])]
    rows, shown = [], []
    for same in rec.by_problem(records, left_out=("name", "dtype", "out_dtype")):
        best = [rec.fastest([record for record in same if record["problem"]["dtype"] == name and not rec.is_peer(record)])
                for name in names]
        cells = [cell for record in best
                 for cell in ([number(headline(record)) + rec.sign(record), number(record["tflops"]), f"`{record['variant']}`"]
                              if record else ["–"] * 3)]
        ratio = number(headline(best[0]) / headline(best[-1])) + "×" if best[0] and best[-1] else "–"
        beside = [rec.fastest([record for record in same if (record["family"], record["problem"]["dtype"]) == rival])
                  for rival in rivals]
        times = [number(headline(record)) + rec.sign(record) if record else "–" for record in beside]
        rows.append([rec.sizes(same[0]["problem"], dtype=False), *cells, ratio, *times])
        shown += [*best, *beside]
    head = ["problem", *(f"{name} {what}" for name in names for what in ("µs", "TFLOP/s", "variant")), "speed-up",
            *(f"`{family}` {name} µs" for family, name in rivals)]
    return [rec.source_line(site, files), "", *table(head, rows), *short_note(site, files[0], shown)]


def hot_rows(document):
    """(median in µs, whether the card was slowed down meanwhile) of the records of each problem and variant."""
    rows = {}
    for record in document["records"]:
        hot = record.get("timing", {}).get("hot_us")
        if record["status"] == "ok" and hot is not None:
            key = (rec.problem_key(record), record["variant"])
            rows.setdefault(key, []).append((hot["median"], hot.get("throttled_samples", 0) > 0))
    return rows


def spread_row(name, pairs, limit):
    """How far apart the medians of `pairs` are; `limit` is a fraction of the median."""
    apart = sorted(abs(a / b - 1) for (a, _), (b, _) in pairs)
    share = sum(difference <= limit for difference in apart) / len(apart)
    figures = [apart[len(apart) // 2], apart[min(len(apart) - 1, int(0.95 * len(apart)))], apart[-1]]
    return [name, str(len(apart)), f"{100 * share:.1f} % (±{100 * limit:g} %)",
            *(f"{100 * value:.2f} %" for value in figures)]


def spread_rows(name, pairs, limit):
    for kind, throttled in (("never slowed down", False), ("slowed down by the power cap", True)):
        chosen = [(a, b) for a, b in pairs if (a[1] or b[1]) == throttled]
        if chosen:
            yield spread_row(f"{name}, {kind}", chosen, limit)


def stem(file):
    return re.sub(r".*/|\.json$", "", file)


def repeats(site, files, _words=()):
    """How far rows of the same variant differ: within each run, and from each run to the next."""
    runs = [hot_rows(site.load(file)) for file in files]
    rows = []
    for file, run in zip(files, runs):
        pairs = [(entries[0], entries[1]) for entries in run.values() if len(entries) > 1]
        rows += spread_rows(f"within {site.link(file, stem(file))}", pairs, 0.01)
    for before, after, file in zip(runs, runs[1:], files[1:]):
        pairs = [(before[key][0], after[key][0]) for key in before if key in after and before[key][0][0] > 10]
        rows += spread_rows(f"above 10 µs, from the run before to {stem(file)}", pairs, 0.02)
    head = ["compared", "pairs", "agree", "half differ by at most", "95 % by at most", "all by at most"]
    return [rec.source_line(site, files), "", *table(head, rows)]


def tuned(site, files, _words=()):
    """One line per entry of a tuned table."""
    entries = site.load(files[0])["tuned_table"]
    fingerprints = {f"{entry['fingerprint']['device']}, driver {entry['fingerprint']['driver'] or 'none'}"
                    for entry in entries}
    rows = [[entry["problem"]["name"], rec.sizes(entry["problem"]), f"`{entry['winner']['variant']}`",
             number(entry["winner"]["median_us"]), str(entry["winner"]["samples"]), str(len(entry["ties"]))] for entry in entries]
    return [f"{'; '.join(sorted(fingerprints))}; from {site.link(files[0])}.", "",
            *table(["problem", "sizes", "winner", "µs", "n", "ties"], rows)]


PROFILE = (("ncu µs", "duration_us"), ("tensor pipe %", "tensor_pipe_percent"), ("DRAM %", "dram_percent"),
           ("L2 %", "l2_percent"), ("occupancy %", "occupancy_percent"))


def profile(site, files, _words=()):
    """One line per profile: what ncu counts in one launch, and where its warps wait most."""
    rows = []
    for file in files:
        document = site.load(file)
        record = document["record"]
        for kernel in document["kernels"]:
            stalls = sorted(kernel["stalled_warps"].items(), key=lambda stall: -stall[1])[:3]
            rows.append([site.link(file, f"`{record['variant']}`"), rec.sizes(record["problem"]),
                         number(headline(record)), *(number(kernel.get(field)) for _, field in PROFILE),
                         number(kernel.get("registers"), 1),
                         ", ".join(f"{reason} {number(warps)}" for reason, warps in stalls)])
    head = ["variant", "problem", "hot µs", *(title for title, _ in PROFILE), "registers",
            "warps that wait, by reason"]
    return table(head, rows)


def claims(site, files, _words=()):
    """One line per claim of scripts/prove.py, with what was wanted and what was found; one table per file."""
    held = {True: "yes", False: "no", None: "not tried"}
    lines = []
    for file in files:
        rows = [[claim["step"], claim["text"], claim["wanted"], claim["got"], held[claim["held"]]]
                for claim in site.load(file)["claims"]]
        lines += [rec.source_line(site, [file], figures=""), "", *table(["step", "claim", "wanted", "found", "holds"], rows), ""]
    return lines[:-1]


def configs(site, files, _words=()):
    """One line per config of a folder."""
    rows = []
    for path in sorted(site.path(files[0]).glob("*.json")):
        config = rec.load(path)
        rows.append([site.link(f"{files[0]}/{path.name}", f"`{path.stem}`"), config.get("written_for", "any"),
                     config["description"]])
    return table(["config", "written for", "runs"], rows)


def text(site, files, _words=()):
    return ["```text", site.path(files[0]).read_text().rstrip(), "```"]


KINDS = {"claims": claims, "conclusion": means, "configs": configs, "dtypes": dtypes, "keys": keys, "ladder": ladder,
         "peers": peers, "profile": profile, "repeats": repeats, "text": text, "tuned": tuned}
