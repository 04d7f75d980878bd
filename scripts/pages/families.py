"""The families in ladder order, from kernels/: their names, where they run, and the idea in a few words."""

import re

ROW = re.compile(r"^KERNEL\((\w+), \w+, (cpu|cuda)\)$", re.MULTILINE)
SUMMARY = re.compile(r'[sS]ummary =\s*"([^"]*)"')


def summary(folder):
    for path in sorted(folder.glob("*.c*")):
        found = SUMMARY.search(path.read_text(encoding="utf-8"))
        if found:
            return found[1]
    raise ValueError(f"{folder}: no file has a summary")


def families(site, files, _):
    manifest = site.path(files[0])
    rows = dict(ROW.findall(manifest.read_text(encoding="utf-8")))
    return ["| family | runs on | idea |", "|---|---|---|",
            *(f"| `{family}` | {backend.upper()} | {summary(manifest.parent / family)} |"
              for family, backend in rows.items())]
