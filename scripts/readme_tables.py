#!/usr/bin/env python3
"""Writes what README.md and docs/ show of the files under results/, or checks that it is up to date.

Blocks stand between two comments. The words say what is written there and from which files, relative to the tree:
    <!-- generated: ladder results/h100/ladder.json seed_q512 -->   the best variant of each family, one table per
                                                                    problem, or only of the problems that are named
    <!-- generated: peers results/h100/peers.json -->      one line per problem, this project's best beside each peer
    <!-- generated: conclusion results/h100/peers.json -->   the sentences on all problems of a run
    <!-- generated: dtypes results/h100/fp8.json -->       one line per problem, the best variant of each dtype
    <!-- generated: repeats results/h100/aa-1.json,results/h100/aa-2.json -->   how far rows of the same variant differ
    <!-- generated: claims results/h200/claims-gate.json -->   one line per claim of scripts/prove.py
    <!-- generated: tuned results/tuned/h100.json -->      one line per entry of a tuned table
    <!-- generated: profile results/h100/ncu/mma.json -->  what a profile counted
    <!-- generated: keys configs/schema/config.schema.json measure -->   the keys of an object of a schema
    <!-- generated: configs configs -->                    one line per config of a folder
    <!-- generated: devices results -->                    the pages of all devices
    <!-- generated: text results/h100/ladder.txt -->       the file as it is
    <!-- end -->
Each folder of results/ that holds result files gets a page, docs/results/<folder>.md, with its charts in docs/images/.

Conclusions and marks come from the program, `flashcore-bench report`, of the newest build or of FLASHCORE_BENCH.

Exit codes: 0 up to date (or written), 1 stale under --check, 2 a file that cannot be read or no program.
"""

import argparse
import pathlib
import re
import sys

from pages import device, tables
from pages.records import SOURCE, Site

KINDS = {**tables.KINDS, "devices": device.links}
BLOCK = re.compile(r"(<!-- generated: (\w+) (\S+)((?: \S+)*) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(root, page, text):
    """The page's text with every block made anew."""
    site = Site(root, page)

    def generate(match):
        begin, kind, files, words, end = match.groups()
        files = files.split(",")
        missing = [file for file in files if not site.path(file).exists()]
        if missing:
            raise ValueError(f"{missing[0]} does not exist")
        lines = KINDS[kind](site, files, words.split())
        return "\n".join([begin + "\n".join(lines).rstrip(), end])

    return BLOCK.sub(generate, text)


def written_pages(root):
    """Pages that people write, relative to the tree."""
    own = [path for path in root.glob("docs/**/*.md") if path.parent != root / "docs/results"]
    return sorted(path.relative_to(root).as_posix() for path in [*own, *root.glob("README.md")])


def wanted_files(root):
    """The text of every file that this script writes or fills."""
    wanted = {page: fill(root, page, (root / page).read_text()) for page in written_pages(root)}
    if (root / "results").exists():
        for name in device.devices(root):
            page = f"docs/results/{name}.md"
            wanted[page], charts = device.page(Site(root, page), name)
            wanted.update(charts)
    return wanted


def leftovers(root, wanted):
    """Generated files whose results are gone."""
    made = [*root.glob("docs/results/*.md"), *root.glob("docs/images/*.svg")]
    return [path for path in made if path.relative_to(root).as_posix() not in wanted]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is stale")
    parser.add_argument("--root", type=pathlib.Path, default=SOURCE, metavar="FOLDER", help="the tree (default: this one)")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    try:
        wanted = wanted_files(root)
    except (OSError, ValueError, KeyError) as error:
        print(f"{root}: a page cannot be written: {error!r}", file=sys.stderr)
        return 2
    stale = [root / name for name, text in wanted.items()
             if not (root / name).exists() or (root / name).read_text() != text]
    stale += leftovers(root, wanted)
    if arguments.check:
        for path in stale:
            print(f"{path}: is stale, run scripts/readme_tables.py", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        name = path.relative_to(root).as_posix()
        if name not in wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
