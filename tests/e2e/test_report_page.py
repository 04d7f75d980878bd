"""The HTML report in a browser: complete, quiet, drawn, sortable, safe from its data."""

import copy
import json
import pathlib
import re
import tempfile
import unittest

from bench import SOURCE, BenchTest, run
from browser import BrowserTest

LADDER = SOURCE / "results" / "h100" / "ladder.json"
PEERS = LADDER.with_name("peers.json")
HOSTILE = "</script><img src=x onerror='window.hostile=1'>&amp;{{script}}\u2028<!--"
CHARTS = ("ladder", "sequence", "roofline", "errors", "resources")

# How many pixels of a canvas are not transparent and differ from the page behind it.
DRAWN = """
const canvas = document.querySelector(`#${arguments[0]} canvas`);
if (canvas.hidden || canvas.width === 0) return -1;
const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
copy.drawImage(canvas, 0, 0);
const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
const page = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
let drawn = 0;
for (let i = 0; i < pixels.length; i += 4) {
  const differs = page.some((part, place) => Math.abs(pixels[i + place] - part) > 40);
  if (pixels[i + 3] > 100 && differs) ++drawn;
}
return drawn;"""

# The worst contrast, by WCAG 2.1, of what is written or drawn in the page's and the families' colours.
CONTRAST = """
const rgb = (color) => {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const contrast = (a, b) => {
  const [light, dark] = [luminance(rgb(a)), luminance(rgb(b))].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};
const inks = ["--text", "--faint", "--accent", "--bad"].map(styleOf);
const pairs = [
  ...inks.map((ink) => [ink, styleOf("--page")]),
  ...["--text", "--faint"].map((ink) => [styleOf(ink), styleOf("--raised")]),
  [styleOf("--text"), styleOf("--notice")],
  ...(isDark() ? darkPalette : lightPalette).map((ink) => [ink, styleOf("--page")]),
];
for (let share = 0; share <= 1; share += 0.05) pairs.push([heatStyle(share).color, heatStyle(share).background]);
return Math.min(...pairs.map(([ink, ground]) => contrast(ink, ground)));"""

COLUMN = """
const heads = [...document.querySelectorAll(`#${arguments[0]} thead th`)];
const place = heads.findIndex((head) => head.textContent === arguments[1]);
const rows = [...document.querySelectorAll(`#${arguments[0]} tbody tr`)];
return {order: heads[place].getAttribute("aria-sort"), cells: rows.map((row) => row.cells[place].textContent)};"""

PRESS = """
const heads = [...document.querySelectorAll(`#${arguments[0]} thead th button`)];
heads.find((head) => head.textContent === arguments[1]).focus();"""


def synthetic(count):
    """A result file of `count` records: those of the ladder, on ever other problems."""
    file = json.loads(LADDER.read_text())
    models = file["records"]
    records = []
    while len(records) < count:
        record = copy.deepcopy(models[len(records) % len(models)])
        turn = len(records) // len(models)
        record["problem"].update(name=f"{record['problem']['name']}_{turn}", batch=1 + turn)
        records.append(record)
    file["records"] = records
    return file


class ReportPage(BenchTest, BrowserTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def report(self, source, *arguments):
        """The page of a path, or of a result file as an object; further arguments go to the command."""
        if isinstance(source, dict):
            path = self.folder / "results.json"
            path.write_text(json.dumps(source))
            source = path
        page = self.folder / "report.html"
        result = run("-q", "report", source, *arguments, "-o", page)
        if "libjs-chart.js" in result.stderr:
            self.skipTest("built without Chart.js (package libjs-chart.js)")
        self.assert_ok(result)
        return page

    def choose(self, select, value):
        self.script("const select = document.getElementById(arguments[0]); select.value = arguments[1];"
                    "select.dispatchEvent(new Event('change'));", select, str(value))

    def assert_drawn(self, charts=CHARTS):
        for chart in charts:
            self.assertGreater(self.script(DRAWN, chart), 1000, chart)
        self.assertGreater(self.script("return document.querySelectorAll('.heat-map strong').length"), 0)

    def test_every_chart_is_drawn_in_both_schemes_and_widths(self):
        page = self.report(LADDER, PEERS)
        for width in (1400, 390):
            for dark in (False, True):
                with self.subTest(width=width, dark=dark):
                    self.open(page, width, dark)
                    self.assertEqual(self.script("return document.documentElement.scrollWidth"), width)
                    self.assert_drawn()
                    self.choose("file", 1)  # timed from PyTorch: its files state no ceilings
                    self.assert_drawn([chart for chart in CHARTS if chart != "roofline"])
                    self.assertGreaterEqual(self.script(CONTRAST), 4.5)
                    self.assert_quiet()
                    self.assertEqual(self.requests(), [page.as_uri()])

    def test_every_problem_and_clock_draws_quietly(self):
        self.open(self.report(LADDER, PEERS))
        self.choose("file", 1)
        for select in ("problem", "clock", "shape", "tile-family"):
            values = self.script("return [...document.getElementById(arguments[0]).options].map((o) => o.value)", select)
            self.assertGreater(len(values), 1, select)
            for value in values:
                self.choose(select, value)
        self.script("document.getElementById('ladder-all').click()")
        self.assert_quiet()

    def test_problems_that_differ_in_scale_or_output_have_curves_of_their_own(self):
        file = json.loads(LADDER.read_text())
        model = file["records"][0]
        file["records"] = []
        for place, changes in enumerate(({}, {"scale": 0.5}, {"dtype": "e4m3"}, {"dtype": "e4m3", "out_dtype": "fp16"})):
            for seq in (512, 1024, 2048):
                record = copy.deepcopy(model)
                record["problem"].update(name=f"curve{place}_q{seq}", batch=1, seq_q=seq, seq_kv=seq, causal=False, **changes)
                record["spec"]["dtype"] = record["problem"]["dtype"]
                record["variant"] = re.sub("/[a-z0-9]+_", f"/{record['problem']['dtype']}_", record["variant"])
                file["records"].append(record)
        self.open(self.report(file))
        shapes = self.script("return [...document.getElementById('shape').options].map((o) => o.textContent)")
        self.assertEqual(len(shapes), 4, shapes)
        self.assertTrue(all(shape.endswith("(3 lengths)") for shape in shapes), shapes)
        for words in ("scale 0.5", "e4m3 to bf16", "e4m3 to fp16"):
            self.assertEqual(sum(words in shape for shape in shapes), 1, shapes)

    def test_peers_are_known_by_their_role(self):
        file = json.loads(LADDER.read_text())
        for record in file["records"]:
            if record["family"] == "wgmma":
                record["role"] = "peer"
        self.open(self.report(file))
        peers = self.script(COLUMN, "overview", "fastest peer")["cells"]
        self.assertTrue(any(peer.startswith("wgmma/") for peer in peers), peers)
        best = self.script(COLUMN, "overview", "best variant")["cells"]
        self.assertFalse(any(variant.startswith(("wgmma/", "peer_")) for variant in best), best)

    def test_the_conclusion_is_first(self):
        said = json.loads(self.assert_ok(run("report", PEERS, "--format", "json")))
        self.open(self.report(PEERS))
        self.assertEqual(self.script("return document.querySelector('main').firstElementChild.id"), "conclusion")
        self.assertEqual(self.script("return [...document.querySelectorAll('.means li')].map((l) => l.textContent)"),
                         [f"{text[0].upper()}{text[1:]}." for text in said["files"][0]["conclusion"]])
        items = self.script("return [...document.querySelectorAll('.problems li')].map((l) => l.textContent)")
        self.assertEqual(items, [f"{one['name']}: {one['conclusion']}" for one in said["problems"]])
        self.assertFalse(self.script("return document.querySelector('#conclusion details').open"))
        self.assertEqual(self.script("return document.querySelector('#records .short-note').textContent"),
                         f"‡ {said['files'][0]['falls_short_means']}")

    def test_table_sorts_by_keyboard(self):
        self.open(self.report(LADDER))
        for direction, in_order in (("descending", lambda a, b: a >= b), ("ascending", lambda a, b: a <= b)):
            self.script(PRESS, "records", "TFLOP/s")
            self.browser.switch_to.active_element.send_keys(" ")
            column = self.script(COLUMN, "records", "TFLOP/s")
            self.assertEqual(column["order"], direction)
            rates = [float(cell) for cell in column["cells"]]
            self.assertEqual(len(rates), 50)
            self.assertTrue(all(in_order(a, b) for a, b in zip(rates, rates[1:])), rates)

    def test_search_finds_rows(self):
        self.open(self.report(LADDER))
        self.browser.find_element("id", "search").send_keys("seed_q512 peer")
        self.assertEqual(self.script(COLUMN, "records", "variant")["cells"], ["peer_cudnn/fp16_d64"])

    def test_hostile_text_stays_text(self):
        file = synthetic(147)
        for record in file["records"][:49]:
            record["problem"]["name"] = HOSTILE
        broken = file["records"][0]
        broken.update(family=HOSTILE, variant=HOSTILE + broken["variant"].removeprefix("scalar"), reason=HOSTILE,
                      status="crashed")
        file["environment"]["device"]["name"] = HOSTILE
        self.open(self.report(file))
        self.assert_quiet()
        self.assertIsNone(self.script("return window.hostile ?? null"))
        self.assertEqual(self.script("return document.images.length"), 0)
        self.assertIn(HOSTILE, self.script("return document.querySelector('h1').textContent"))
        self.assertIn(HOSTILE, self.script(COLUMN, "records", "reason")["cells"])
        self.assert_drawn()

    def test_size_of_500_records(self):
        self.assertLessEqual(self.report(synthetic(500)).stat().st_size, 2_000_000)

    def test_5000_records(self):
        self.open(self.report(synthetic(5000)))
        self.assert_drawn()
        self.assert_quiet()
        self.script("document.querySelector('#records .more').click()")
        self.assertEqual(len(self.script(COLUMN, "records", "variant")["cells"]), 5000)

    def test_what_is_missing_is_said(self):
        file = synthetic(49)
        for record in file["records"]:
            record.update(status="unsupported", reason="no such device")
            for part in ("check", "timing", "tflops", "percent_of_peak", "roofline", "resources", "telemetry"):
                record.pop(part, None)
        file["environment"] = {}
        self.open(self.report(file))
        self.assert_quiet()
        for chart in CHARTS:
            self.assertEqual(self.script(DRAWN, chart), -1)
            said = self.script("return document.querySelector(`#${arguments[0]} .empty`).textContent", chart)
            self.assertTrue(said.endswith("."), said)

    def test_verdicts_over_a_base(self):
        slower = json.loads(LADDER.read_text())
        timing = slower["records"][5]["timing"]
        for clock in timing.values():
            for name in ("median", "p10", "p90"):
                clock[name] *= 1.5
            clock["ci95"] = [1.5 * end for end in clock["ci95"]]
            clock["samples"] = [1.5 * sample for sample in clock["samples"]]
        slower["records"][5].pop("code_hash", None)
        self.open(self.report(slower, "--base", LADDER))
        self.assert_quiet()
        variants = self.script(COLUMN, "comparison", "variant")["cells"]
        verdicts = self.script(COLUMN, "comparison", "verdict")["cells"]
        self.assertEqual((variants[0], verdicts[0]), (slower["records"][5]["variant"], "▼ slower"))
        self.assertEqual(set(verdicts[1:]), {"= same"})
        self.assertTrue(self.script("return document.querySelector('#comparison .caption').textContent")
                        .startswith("A regression"))

    def test_numbers_that_are_none(self):
        file = synthetic(49)
        for record, rel_l2 in zip(file["records"], ("nan", None, "inf")):
            record["check"].update(rel_l2=rel_l2, max_abs="inf", passed=False)
            record["status"] = "incorrect"
        self.open(self.report(file))
        self.assert_quiet()
        self.assertIn("no finite error", self.script("return document.querySelector('#errors .caption').textContent"))
        cells = self.script(COLUMN, "records", "rel_l2")["cells"]
        self.assertEqual((cells.count("–"), cells.count("inf")), (2, 1))


if __name__ == "__main__":
    unittest.main()
