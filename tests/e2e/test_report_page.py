"""The HTML report in a browser: complete, quiet, drawn, sortable, safe from its data."""

import copy
import csv
import io
import json
import pathlib
import re
import tempfile
import unittest

from bench import SOURCE, BenchTest, run
from browser import BrowserTest

LADDER = SOURCE / "results" / "h100" / "ladder.json"
PEERS = LADDER.with_name("peers.json")
MANY_PEERS = SOURCE / "results" / "h200" / "peers.json"
HOSTILE = "</script><img src=x onerror='window.hostile=1'>&amp;{{script}}\u2028<!--"
CHARTS = ("ladder", "sequence", "roofline", "errors", "resources")

# How many pixels of a canvas are not transparent and differ from the page behind it.
DRAWN = """
const canvas = document.querySelector(`#${arguments[0]} canvas`);
if (canvas.closest("section").hidden || canvas.width === 0) return -1;
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
  ...["--page", "--raised"].flatMap((ground) =>
    [...looks.map((look) => look[isDark() ? "dark" : "light"]), styleOf("--accent"), styleOf("--bad")].map((ink) => [
      ink,
      styleOf(ground),
    ]),
  ),
];
for (let share = 0; share <= 1; share += 0.05) pairs.push([heatStyle(share).color, heatStyle(share).background]);
return Math.min(...pairs.map(([ink, ground]) => contrast(ink, ground)));"""

COLUMN = """
const heads = [...document.querySelectorAll(`#${arguments[0]} .scroll thead th`)];
const place = heads.findIndex((head) => head.textContent === arguments[1]);
const rows = [...document.querySelectorAll(`#${arguments[0]} .scroll tbody tr:not(.detail)`)];
return {order: heads[place].getAttribute("aria-sort"), cells: rows.map((row) => row.cells[place].textContent)};"""

# The titles of a table's columns that are seen whole, in the width of the window and of the table.
SEEN = """
const scroll = document.querySelector(`#${arguments[0]} .scroll`);
const right = Math.min(innerWidth, scroll.getBoundingClientRect().right);
return [...scroll.querySelectorAll("thead th")]
  .filter((head) => head.getBoundingClientRect().left >= 0 && head.getBoundingClientRect().right <= right + 0.5)
  .map((head) => head.textContent);"""

# What reaches beyond the window, other than within a table that scrolls; and texts that are cut within their own box.
BEYOND = """
return [...document.querySelectorAll("body *:not(option)")]
  .filter((one) => !one.closest(".scroll table, .heat-map table, svg, .skip, .unseen, pre"))
  .filter((one) => {
    const box = one.getBoundingClientRect();
    const cut = !one.matches(".scroll, .heat-map, pre") && getComputedStyle(one).display !== "inline" &&
      one.scrollWidth > one.clientWidth + 1 && !one.matches("canvas, select, input");
    return box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5 || cut);
  })
  .map((one) => `${one.tagName} ${one.id} ${one.className}`);"""

# The rows that are open in a table, with their names.
OPENED = """
return [...document.querySelectorAll(`#${arguments[0]} .opens[aria-expanded=true]`)]
  .filter((button) => document.getElementById(button.getAttribute("aria-controls")))
  .map((button) => button.textContent);"""

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

    def open_at(self, width):
        """The opened page in another width."""
        self.open(pathlib.Path(self.script("return decodeURIComponent(location.pathname)")), width,
                  fragment=self.script("return location.hash"))

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
                    # The file with the most records is first; it is timed from PyTorch and states no ceilings.
                    self.assert_drawn([chart for chart in CHARTS if chart != "roofline"])
                    self.choose("file", "ladder.json")
                    self.assert_drawn()
                    self.assertEqual(self.script(BEYOND), [])
                    self.assertGreaterEqual(self.script(CONTRAST), 4.5)
                    self.assert_quiet()
                    self.assertEqual(self.requests(), [page.as_uri()])

    def test_every_problem_and_clock_draws_quietly(self):
        self.open(self.report(LADDER, PEERS))
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
        peers = self.script(COLUMN, "overview", "over wgmma")["cells"]
        self.assertTrue(any(peer.startswith("★") for peer in peers), peers)
        best = self.script(COLUMN, "overview", "fastest variant")["cells"]
        self.assertFalse(any(variant.startswith(("wgmma/", "peer_")) for variant in best), best)

    def dated(self, count, step=1.0):
        """Paths of result files of the ladder's device, of as many days, each slower by the factor."""
        paths = []
        for day in range(count):
            file = json.loads(LADDER.read_text())
            file["environment"].update(time=f"2026-11-{10 + day}T08:00:00Z")
            file["environment"]["git"]["commit"] = f"{day}" * 40
            file["records"] = [record for record in file["records"] if record["problem"]["name"] == "seed_q512"]
            for record in file["records"]:
                for clock in record.get("timing", {}).values():
                    for name in ("median", "p10", "p90"):
                        clock[name] *= step ** day
                    clock["ci95"] = [end * step ** day for end in clock["ci95"]]
                    clock["samples"] = [sample * step ** day for sample in clock["samples"]]
            path = self.folder / f"day{day}" / "results.json"
            path.parent.mkdir()
            path.write_text(json.dumps(file))
            paths.append(path)
        return paths

    def test_the_answer_is_seen_without_scrolling(self):
        page = self.report(MANY_PEERS)
        said = json.loads(self.assert_ok(run("report", MANY_PEERS, "--format", "json")))
        peers = [f"over {family['label']}" for family in said["families"] if family["role"] == "peer"]
        self.assertGreater(len(peers), 4)
        for width in (1400, 390):
            for dark in (False, True):
                with self.subTest(width=width, dark=dark):
                    self.open(page, width, dark)
                    headline = self.script("""
                        const box = document.querySelector(".headline").getBoundingClientRect();
                        const above = [...document.querySelectorAll("table, canvas, nav, ul, select")]
                          .filter((one) => one.getBoundingClientRect().top < box.bottom && one.offsetWidth > 0);
                        return {text: document.querySelector(".headline").textContent, above: above.length,
                                right: box.right, bottom: box.bottom};""")
                    answer = said["files"][0]["headline"]
                    self.assertEqual(headline["text"], f"{answer[0].upper()}{answer[1:]}.")
                    self.assertLessEqual(headline["right"], width)
                    self.assertLess(headline["bottom"], 400)
                    self.assertEqual(headline["above"], 0)
                    seen = self.script(SEEN, "overview")
                    self.assertEqual(seen[:2], ["problem", "speed-up"])
                    if width == 1400:
                        self.assertLessEqual(set(peers), set(seen))
                    self.assertEqual(self.script("return document.documentElement.scrollWidth"), width)
                    self.assertEqual(self.script(BEYOND), [])
                    self.assert_quiet()

    def test_first_columns_stay_when_a_table_scrolls(self):
        self.open(self.report(PEERS), 390)
        for table in ("overview", "records"):
            self.script("document.querySelector(`#${arguments[0]} .scroll`).scrollLeft = 200", table)
            places = self.script("""
                const cells = document.querySelector(`#${arguments[0]} tbody tr`).cells;
                const left = document.querySelector(`#${arguments[0]} .scroll`).getBoundingClientRect().left;
                return [...cells].slice(0, 3).map((cell) => cell.getBoundingClientRect().left - left);""", table)
            self.assertEqual(places[0], 0)
            self.assertGreater(places[1], 100)
            self.assertLess(places[2], places[1])  # it went below the first two

    def test_every_peer_has_a_column_and_the_best_a_mark(self):
        self.open(self.report(PEERS))
        said = json.loads(self.assert_ok(run("report", PEERS, "--format", "json")))
        columns = {family["name"]: self.script(COLUMN, "overview", f"over {family['label']}")["cells"]
                   for family in said["families"] if family["role"] == "peer"}
        speed_ups = self.script(COLUMN, "overview", "speed-up")["cells"]
        self.assertEqual(len(speed_ups), len(said["problems"]))
        for place, problem in enumerate(said["problems"]):
            standing = problem["standing"]
            marked = [name for name, cells in columns.items() if cells[place].startswith("★ ")]
            self.assertEqual(marked, [standing["other"].split("/")[0]])
            self.assertIn(standing["outcome"], speed_ups[place])
            self.assertIn(standing["text"].replace(" ± ", "× ±"), speed_ups[place])
        signs = self.script(COLUMN, "overview", "hot µs")["cells"]
        self.assertTrue(any(cell.endswith(" ‡") for cell in signs), signs)
        self.assertTrue(all(", n\u202f" in cell for cell in signs), signs)

    def test_rows_open_by_mouse_and_keyboard_and_the_address_keeps_it(self):
        page = self.report(PEERS)
        self.open(page)
        self.script("document.querySelectorAll('#overview .opens')[1].focus()")
        self.browser.switch_to.active_element.send_keys(" ")
        self.browser.find_element("css selector", "#overview tbody tr:not(.detail) td.number").click()
        names = self.script(COLUMN, "overview", "problem")["cells"][:2]
        self.assertEqual(self.script(OPENED, "overview"), names)
        self.script("document.querySelector('#records .opens').click()")
        opened = self.script(OPENED, "records")
        self.script(PRESS, "overview", "speed-up")
        self.browser.switch_to.active_element.send_keys(" ")
        self.choose("problem", names[1])
        self.browser.find_element("id", "search").send_keys("d64")
        self.script("document.getElementById('ladder-all').click()")
        state = """return {
            overview: document.querySelector("#overview .scroll").textContent,
            records: document.querySelector("#records .scroll").textContent,
            ladder: document.querySelector("#ladder .scroll").textContent,
            problem: document.getElementById("problem").value, search: document.getElementById("search").value};"""
        before, address = self.script(state), self.script("return location.href")
        self.assertTrue(address.startswith(page.as_uri() + "#"))
        self.browser.get("about:blank")
        self.browser.get(address)
        self.assertEqual(self.script(state), before)
        self.assertEqual((before["problem"], before["search"]), (names[1], "d64"))
        self.assertEqual(sorted(self.script(OPENED, "overview")), sorted(names))
        self.assertEqual(self.script(OPENED, "records"), opened)
        self.script("location.hash = '#problem=' + arguments[0]", names[0])  # a link within the tab
        self.browser.execute_async_script("setTimeout(arguments[0], 50)")
        self.assertEqual(self.script("return document.getElementById('problem').value"), names[0])
        self.assertEqual(self.script(OPENED, "overview"), [])
        self.assert_quiet()

    def test_opened_rows_show_all_samples(self):
        file = json.loads(LADDER.read_text())
        self.open(self.report(file))
        self.script("document.querySelector('#records .opens').click()")
        first = file["records"][0]
        dots = self.script("return [...document.querySelectorAll('#records .strip')]"
                           ".map((strip) => strip.querySelectorAll('circle').length)")
        self.assertEqual(dots, [len(clock["samples"]) for clock in first["timing"].values()])
        self.script("document.querySelector('#overview .opens').click()")
        strips = self.script("return [...document.querySelectorAll('#overview .strip-row')]"
                             ".map((row) => row.textContent)")
        families = {record["family"] for record in file["records"] if record["problem"] == first["problem"]
                    and record["status"] == "ok"}
        self.assertEqual(len(strips) - 1, len(families))  # and the axis
        self.assertIn("beyond this axis", strips[-2])
        for width in (1400, 390):
            self.open_at(width)
            edges = self.script("""
                return [...document.querySelectorAll(".inside, .inside *")].map((one) => one.getBoundingClientRect())
                  .filter((box) => box.width > 0).flatMap((box) => [box.left, box.right]);""")
            self.assertGreater(len(edges), 20)
            self.assertGreaterEqual(min(edges), 0)
            self.assertLessEqual(max(edges), width)

    def test_the_page_gives_its_data(self):
        self.open(self.report(PEERS))
        texts = self.browser.execute_async_script("""
            const done = arguments[0];
            const texts = [];
            URL.createObjectURL = (blob) => { texts.push(blob.text()); return "#"; };
            HTMLAnchorElement.prototype.click = () => {};
            document.getElementById("save-json").click();
            document.getElementById("save-csv").click();
            Promise.all(texts).then(done);""")
        data = json.loads(texts[0])
        file = json.loads(PEERS.read_text())
        self.assertEqual(len(data["records"]), len(file["records"]))
        rows = list(csv.DictReader(io.StringIO(texts[1])))
        self.assertEqual([row["variant"] for row in rows], [record["variant"] for record in data["records"]])
        self.assertEqual({row["file"] for row in rows}, {"peers.json"})
        timed = next(record for record in data["records"] if "hot_us" in record.get("timing", {}))
        row = next(row for row in rows if row["variant"] == timed["variant"])
        self.assertEqual(float(row["timing.hot_us.median"]), timed["timing"]["hot_us"]["median"])
        self.assertEqual([float(row[f"timing.hot_us.ci95.{end}"]) for end in (0, 1)], timed["timing"]["hot_us"]["ci95"])
        self.assertEqual(len(row["timing.hot_us.samples"].split()), timed["timing"]["hot_us"]["n"])
        self.assert_quiet()

    def test_a_trend_over_dated_files(self):
        paths = self.dated(3, 1.1)
        self.open(self.report(paths[1], paths[0], paths[2]))
        self.assert_quiet()
        self.assertGreater(self.script(DRAWN, "trend"), 1000)
        dates = self.script(COLUMN, "trend", "date")["cells"]
        self.assertEqual(dates, [f"2026-11-{day} 08:00" for day in (10, 11, 12)])
        self.assertEqual(self.script(COLUMN, "trend", "file")["cells"], [f"day{day}/results.json" for day in range(3)])
        times = [float(cell.split(" ")[0]) for cell in self.script(COLUMN, "trend", "fastest, hot µs")["cells"]]
        self.assertAlmostEqual(times[2] / times[0], 1.21, 2)
        self.choose("trend-variant", "scalar/fp16_d64_q4_kv8_w4_s1")
        self.assertEqual(len(self.script(COLUMN, "trend", "scalar/fp16_d64_q4_kv8_w4_s1, hot µs")["cells"]), 3)
        self.assertNotIn(str(self.folder), self.browser.page_source)
        self.assertEqual(self.script(BEYOND), [])

    def test_the_file_with_the_most_records_is_first(self):
        [small] = self.dated(1)
        self.open(self.report(small, LADDER))
        self.assertEqual(self.script("return document.getElementById('file').value"), "ladder.json")
        self.assertEqual(self.script("return document.querySelectorAll('.headline').length"), 1)  # of one device

    def test_what_the_program_concludes_is_on_the_page(self):
        said = json.loads(self.assert_ok(run("report", LADDER, "--format", "json")))
        self.open(self.report(LADDER))
        [other] = [text for text in said["files"][0]["conclusion"] if not said["files"][0]["headline"].endswith(text)]
        self.assertEqual(self.script("return document.querySelector('#means').textContent"), f"{other}.")
        self.script("document.querySelector('#overview .opens').click()")
        self.assertEqual(self.script("return document.querySelector('#overview .inside p').textContent"),
                         f"{said['problems'][0]['conclusion']}.")
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
        self.assertIn(HOSTILE, self.script("return document.querySelector('.headline').textContent"))
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

    def test_sections_without_data_are_not_there(self):
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
        shown = self.script("return [...document.querySelectorAll('main section')]"
                            ".filter((section) => !section.hidden).map((section) => section.id)")
        self.assertEqual(shown, ["overview", "records", "environment"])
        self.assertEqual(self.script("return document.querySelectorAll('#contents li').length"), len(shown))

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
        headline = self.script("return document.querySelector('.headline').textContent")
        self.assertTrue(headline.startswith("Against ladder.json: regression: "), headline)
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
