"""flashcore-bench report: its command line, and what CSV and Markdown hold."""

import csv
import io
import json
import pathlib
import re
import shutil
import tempfile
import unittest

from bench import SOURCE, BenchTest, run, timing_modes

try:
    import markdown_it
except ImportError:
    markdown_it = None

LADDER = SOURCE / "results" / "h100" / "ladder.json"
HOSTILE = "</script><img src=x onerror=alert(1)> | `a` [b](javascript:c) \u2028&lt;"


class CommandLine(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_format_follows_the_extension(self):
        for name, beginning in (("a.md", "# "), ("a.csv", "problem.name,")):
            path = self.folder / name
            self.assertEqual(self.assert_ok(run("report", LADDER, "-o", path)), "")
            self.assertTrue(path.read_text().startswith(beginning))

    def test_folder_stands_for_its_files(self):
        text = self.assert_ok(run("report", LADDER.parent, "--format", "markdown"))
        for path in LADDER.parent.glob("*.json"):
            holds_records = "records" in json.loads(path.read_text())
            self.assertEqual(f"## {path.name}\n" in text.replace("\\", ""), holds_records, path)

    def test_mistakes(self):
        (self.folder / "half.json").write_text(LADDER.read_text()[:5000])
        (self.folder / "empty.json").write_text('{"schema_version": 1, "records": []}')
        (self.folder / "empty").mkdir()
        for arguments, part in (((LADDER, "--format", "htm"), "did you mean html?"),
                                ((LADDER, "--json", "--format", "csv"), "--json"),
                                ((LADDER, "-o", "report.pdf"), ".html"),
                                ((LADDER, "--format", "csv", "--baseline", "wma/*"), "--baseline"),
                                ((LADDER, "--format", "csv", "--base", LADDER), "--base"),
                                ((LADDER, "--format", "html", "--strict"), "--strict: needs --base"),
                                ((self.folder / "none.json", "--format", "csv"), "none.json"),
                                ((self.folder / "half.json", "--format", "csv"), "half.json"),
                                ((self.folder / "empty", "--format", "csv"), ".json"),
                                ((self.folder / "empty.json", "--format", "csv"), "no record")):
            with self.subTest(arguments=arguments):
                self.assert_error(run("report", *arguments), 2, part)

    def test_refuses_to_write_over_its_input(self):
        copy = self.folder / "mine.json"
        shutil.copy(LADDER, copy)
        self.assert_error(run("report", copy, "--format", "csv", "-o", copy), 2, "--output")
        self.assertEqual(copy.read_bytes(), LADDER.read_bytes())

    def test_place_that_cannot_be_written(self):
        self.assert_error(run("report", LADDER, "-o", "/proc/none/a.md"), 4, "/proc/none")


class Csv(BenchTest):
    def test_has_the_columns_and_cells_of_the_csv_of_the_run(self):
        now = list(csv.DictReader(io.StringIO(self.assert_ok(run("report", LADDER, "--format", "csv")))))
        with LADDER.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
            then = list(csv.DictReader(file))
        self.assertEqual([{name: row[name] for name in then[0]} for row in now], then)  # newer columns may stand beside


def cells(tokens):
    """The tables of rendered Markdown: a list of rows of cell texts each."""
    tables = []
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in ("th_open", "td_open"):
            tables[-1][-1].append("".join(child.content for child in tokens[place + 1].children))
    return tables


@unittest.skipIf(markdown_it is None, "Python's markdown-it is missing (package python3-markdown-it)")
class Markdown(BenchTest):
    def render(self, *arguments):
        text = self.assert_ok(run("report", *arguments, "--format", "markdown"))
        return markdown_it.MarkdownIt("commonmark").enable("table").parse(text)

    def test_tables_hold_the_fastest_of_each_family(self):
        records = json.loads(LADDER.read_text())["records"]
        tables = cells(self.render(LADDER))
        names = list(dict.fromkeys(record["problem"]["name"] for record in records))
        self.assertEqual(len(tables), len(names))
        for name, table in zip(names, tables):
            fastest = {}
            for record in records:
                if record["problem"]["name"] == name:
                    rival = fastest.setdefault(record["family"], record)
                    fastest[record["family"]] = min(rival, record, key=lambda r: r["timing"]["hot_us"]["median"])
            self.assertEqual([row[0] for row in table[1:]], [record["variant"] for record in fastest.values()])
            self.assertEqual({len(row) for row in table}, {8 + len(timing_modes())})

    def test_begins_with_the_conclusion(self):
        text = self.assert_ok(run("report", LADDER, "--format", "markdown"))
        self.assertIn("\n## ladder.json\n", text)  # without its folders
        answer, begin = text.split("\n## ")[1].split("\n\n")[1:3]
        said = json.loads(self.assert_ok(run("report", LADDER, "--format", "json")))
        self.assertEqual(answer, f"**{said['files'][0]['headline']}**")
        self.assertTrue(begin.startswith(f"- {said['files'][0]['conclusion'][0]}\n"), begin)
        for problem in said["problems"]:
            self.assertIn(f"**{problem['name']}**: {problem['conclusion']}".replace("_", ""),
                          re.sub(r"[`\\_]", "", begin))

    def test_rows_that_fall_short_have_a_sign(self):
        file = json.loads(LADDER.read_text())
        timing = file["records"][0]["timing"]["hot_us"]
        timing.update(samples=timing["samples"][:3], n=3)
        for name in ("sm_clock_mhz",):
            if name in timing:
                timing[name] = timing[name][:3]
        file["records"] = file["records"][:1]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "short.json"
            path.write_text(json.dumps(file))
            text = self.assert_ok(run("report", path, "--format", "markdown"))
            self.assertIn(" | 3 ‡ | ", text)
            self.assertEqual(text.count("\n‡ fewer than 15 samples"), 1)
            file["config"]["measure"].update(min_samples=3, relative_width=1)
            path.write_text(json.dumps(file))
            self.assertNotIn("‡", self.assert_ok(run("report", path, "--format", "markdown")))

    def test_baseline_is_chosen(self):
        baseline = cells(self.render(LADDER))[0][-1][0]
        head, *rows = cells(self.render(LADDER, "--baseline", baseline))[0]
        self.assertEqual({row[0]: row[head.index("speed-up")] for row in rows}[baseline], "1.00×")

    def test_hostile_names_stay_text(self):
        file = json.loads(LADDER.read_text())
        record = file["records"][0]
        record["problem"]["name"] = HOSTILE
        record.update(status="incorrect", reason=HOSTILE)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "hostile.json"
            path.write_text(json.dumps(file))
            tokens = self.render(path)
        inline = [child for token in tokens for child in token.children or []]
        self.assertEqual({token.type for token in tokens + inline} & {"html_inline", "html_block", "link_open", "image"},
                         set())
        shown = ["".join(child.content for child in token.children) for token in tokens if token.type == "inline"]
        self.assertEqual(sum("</script><img src=x onerror=alert(1)> | `a` [b](javascript:c)" in text for text in shown), 2)


if __name__ == "__main__":
    unittest.main()
