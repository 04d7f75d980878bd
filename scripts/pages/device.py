"""The page of a device: docs/results/<device>.md and its charts, from the files of results/<device>/."""

import dataclasses
import re

from . import records as rec
from . import tables
from .charts import ladder_chart, sequence_chart

BEGIN = "<!-- Written by scripts/readme_tables.py from results/; changes by hand are lost. -->"


@dataclasses.dataclass(frozen=True)
class Section:
    files: str  # a pattern of names; files with the same first group are one section
    title: str
    words: str
    kind: str
    chart: tuple = ()  # a name and the function that draws it


SECTIONS = (
    Section(r"ladder\.json", "The ladder",
            "The fastest right variant of each family, in ladder order. The speed-up is over the first row.",
            "ladder", ("ladder", ladder_chart)),
    Section(r"peers\.json", "Beside PyTorch",
            "`scripts/compare_torch.py` times PyTorch's attention and these variants in one process, in turns, with the "
            "same check and the same timing.", "peers", ("peers", sequence_chart)),
    Section(r"serving-peers\.json", "Ragged batches and paged caches beside other kernels",
            "`scripts/compare_torch.py --config serving`. Kernels of others that plan were planned before they were timed; "
            "those whose names end with `_replanned` plan in each launch.", "peers"),
    Section(r"gqa\.json", "Few queries and grouped heads",
            "Few queries per head, as in speculative decoding, read K and V for little work. Tiles with `pack_gqa` hold "
            "the query heads of one KV head together and read its keys and values once. `peer_cudnn` is cuDNN itself.",
            "ladder"),
    Section(r"fp8\.json", "8 bits beside 16",
            "The fastest right variant of each dtype. Only peaks of 16-bit products are known, so that records of 8 "
            "bits have no share of peak and no roofline.", "dtypes"),
    Section(r"(aa-.*)-\d+\.json", "How far equal rows differ",
            "With `--repeats 2` each variant is entered twice. The tables show how far apart two rows of the same code "
            "are within one run, and from one run to the next.", "repeats"),
    Section(r"claims-.*\.json", "Claims",
            "`scripts/prove.py` tries what these pages claim.", "claims"),
    Section(r"[^/]+\.json", "Other results",
            "The fastest right variant of each family. The speed-up is over the first row.", "ladder"),
    Section(r"ncu/.+\.json", "Profiles",
            "`flashcore-bench profile` shows the counters of Nsight Compute. It runs one launch by itself, at the "
            "clock of an idle card: `ncu µs` is not comparable with `hot µs`.", "profile"),
    Section(r"fault-matrix\.txt", "Faults and their verdicts",
            "Kernels with one deliberate fault each, and the verdict of `flashcore-bench diagnose` on them.", "text"),
)


def names(folder):
    """The files of a device that a page shows, relative to its folder."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if not re.search(r"-20\d{6}-\d{6}\.\w+$", name))


# `tuned` has tables, `proof` is a scratch folder, `fleet` and `fuzz` are of a processor.
NOT_OF_DEVICES = ("bisect", "tuned", "proof", "fleet", "fuzz")


def devices(root):
    """Folders of results/ with at least one result file."""
    for folder in sorted((root / "results").iterdir()):
        if folder.is_dir() and folder.name not in NOT_OF_DEVICES and any(folder.glob("*.json")) and names(folder):
            yield folder.name


def links(site, _files, _words=()):
    """The pages of all devices."""
    lines = []
    for name in devices(site.root):
        file = min((site.root / "results" / name).glob("*.json"))
        lines.append(f"- {site.link(f'docs/results/{name}.md', rec.device_name(rec.load(file)['environment']))}")
    return lines


def grouped(folder):
    """(section, the names of its files), each file in the first section that fits it."""
    groups = {}
    for name in names(folder):
        for section in SECTIONS:
            match = re.fullmatch(section.files, name)
            if match:
                group = match[1] if match.re.groups and match[1] else ""
                groups.setdefault((SECTIONS.index(section), group), []).append(name)
                break
    return [(SECTIONS[place], found) for (place, _), found in sorted(groups.items())]


def environment_lines(site, file):
    environment = site.load(file)["environment"]
    nvml, ceilings = environment.get("nvml", {}), environment.get("ceilings", {})
    rows = [["device", rec.device_name(environment)], ["driver", nvml.get("driver_version")],
            ["CUDA runtime", environment.get("cuda", {}).get("runtime_version")],
            ["highest SM clock, MHz", nvml.get("max_sm_clock_mhz")], ["power limit, W", nvml.get("power_limit_w")],
            ["host", environment.get("host", {}).get("cpu")], ["system", environment.get("host", {}).get("os")]]
    for title, field in (("copy, TB/s", "copy_bytes_per_s"), ("mma.sync, TFLOP/s", "mma_flops_per_s"),
                         ("wgmma, TFLOP/s", "wgmma_flops_per_s"), ("ex2, 10¹²/s", "exp2_per_s")):
        if field in ceilings:
            rows.append([f"measured ceiling: {title}", ceilings[field] / 1e12])
    return tables.table(["", "the ladder's run" if file.endswith("ladder.json") else tables.stem(file)],
                        [[title, rec.number(value)] for title, value in rows if value is not None])


def file_lines(site, device, found):
    rows = []
    for name in found:
        file = f"results/{device}/{name}"
        document = site.load(file) if name.endswith(".json") else {}
        document = document if isinstance(document, dict) else {}  # NVBench's times are a list
        environment = document.get("environment", {})
        rows.append([site.link(file, name), str(len(document["records"])) if "records" in document else "",
                     rec.commit(environment) if environment else "", environment.get("time", "")[:10]])
    return tables.table(["file", "records", "made by", "day"], rows)


def page(site, device):
    """The page's text, and its charts by their paths."""
    folder = site.path(f"results/{device}")
    sections = grouped(folder)
    first = next((f"results/{device}/{found[0]}" for section, found in sections if section.kind == "ladder"), None)
    lines, charts, title = [BEGIN, f"# Results of {device}", ""], {}, None
    if first:
        lines += [*environment_lines(site, first), ""]
    for section, found in sections:
        if section.title != title:
            lines += [f"## {section.title}", "", section.words, ""]
            title = section.title
        files = [f"results/{device}/{name}" for name in found]
        chart = section.chart and section.chart[1](site.load(files[0]))
        if chart:
            image = f"docs/images/{device}-{section.chart[0]}.svg"
            charts[image] = chart
            lines += [f"!{site.link(image, section.title)}", ""]
        lines += [*tables.KINDS[section.kind](site, files), ""]
    table_file = f"results/tuned/{device}.json"
    if site.path(table_file).exists():
        lines += ["## Tuned table", "", "The winner of each problem, and how many other variants tie with it.", "",
                  *tables.tuned(site, [table_file]), ""]
    lines += ["## Files", "", *file_lines(site, device, names(folder)), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n", charts
