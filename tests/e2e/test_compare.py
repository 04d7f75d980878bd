"""compare as a user runs it: verdicts and exit codes of the golden pairs, and every output read by a library that
reads its kind."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import junitparser
import markdown_it

from bench import BENCH, SCHEMAS, SOURCE, BenchTest, environment, run, schema_validator

sys.path.insert(0, str(SOURCE / "tests" / "golden" / "compare"))
import pairs  # noqa: E402  (found through the path above)

PAIRS = pairs.all_pairs()

NAME = {"type": "string", "pattern": "^seed_q[0-9]+/[a-z_]+/fp16_"}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}

# https://bencher.dev/docs/reference/bencher-metric-format/
BENCHER = {"type": "object", "minProperties": 1, "additionalProperties": {
    "type": "object", "additionalProperties": {
        "type": "object", "required": ["value"], "additionalProperties": False,
        "properties": {"value": POSITIVE, "lower_value": {"type": "number"}, "upper_value": POSITIVE}}}}

# https://github.com/benchmark-action/github-action-benchmark#bring-your-own-benchmark-suite
SMALLER_IS_BETTER = {"type": "array", "minItems": 1, "items": {
    "type": "object", "required": ["name", "unit", "value"], "additionalProperties": False,
    "properties": {"name": NAME, "unit": {"const": "us"}, "value": POSITIVE, "range": {"type": "string"},
                   "extra": {"type": "string"}}}}

# https://github.com/google/benchmark/blob/main/docs/user_guide.md#output-formats
GOOGLE_BENCHMARK = {"type": "object", "required": ["context", "benchmarks"], "properties": {
    "context": {"type": "object"},
    "benchmarks": {"type": "array", "minItems": 1, "items": {
        "type": "object", "required": ["name", "run_type", "iterations", "real_time", "cpu_time", "time_unit"],
        "properties": {"name": NAME, "run_type": {"const": "iteration"}, "iterations": {"type": "integer"},
                       "real_time": POSITIVE, "cpu_time": POSITIVE, "time_unit": {"enum": ["ns", "us", "ms", "s"]}}}}}}

METRICS = {"bencher": BENCHER, "customSmallerIsBetter": SMALLER_IS_BETTER, "google-benchmark": GOOGLE_BENCHMARK}


def write_side(folder, files):
    """One file, or a folder of several."""
    folder.mkdir()
    for number, file in enumerate(files):
        text = file if isinstance(file, str) else json.dumps(file)
        (folder / f"run{number}.json").write_text(text, encoding="utf-8")
    return folder / "run0.json" if len(files) == 1 else folder


class Compare(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, pair):
        """Both sides, and the arguments of the rule."""
        place = self.folder / f"pair{len(list(self.folder.iterdir()))}"
        place.mkdir()
        arguments = list(pair.arguments)
        if pair.policy is not None:
            (place / "policy.json").write_text(json.dumps(pair.policy))
            arguments += ["--policy", place / "policy.json"]
        return write_side(place / "base", pair.base), write_side(place / "new", pair.new), arguments

    def compare(self, pair, *arguments):
        base, new, rule = self.write(pair)
        return run("compare", base, new, *arguments, *rule, XDG_DATA_HOME=self.folder / "data")


class GoldenPairs(Compare):
    def test_verdicts_and_exit_codes(self):
        self.assertGreaterEqual(len(PAIRS), 30)
        for name, pair in PAIRS.items():
            with self.subTest(name):
                result = self.compare(pair, "--format", "json")
                if pair.code == pairs.USAGE:
                    self.assert_error(result, pairs.USAGE, *pair.says)
                    continue
                self.assertEqual(result.returncode, pair.code, result.stdout[:300] + result.stderr)
                self.check_rows(pair, json.loads(result.stdout))
                table = self.compare(pair, "--all").stdout
                for words in pair.says:
                    self.assertIn(words, table)

    def check_rows(self, pair, comparison):
        schema_validator("comparison.schema.json").validate(comparison)
        rows = {(row["problem"], row["variant"]): row["verdict"] for row in comparison["rows"]}
        key = ("seed_q512", pairs.ROW)
        if pair.row is not None:
            self.assertEqual(rows.pop(key), pair.row)
        if pair.others is not None:
            told = {row: verdict for row, verdict in rows.items() if verdict != "same"}
            self.assertEqual(len(told), pair.others, told)


class ReportAgrees(Compare):
    """report --base says what compare says: one function decides for both."""

    def assert_agreement(self, base, new, *arguments):
        arguments += ("--noise", self.noise) if self.noise else ()
        compared = run("compare", base, new, "--format", "json", *arguments, XDG_DATA_HOME=self.folder / "data")
        page = run("report", new, "--base", base, "--format", "html", *arguments, XDG_DATA_HOME=self.folder / "data")
        if "libjs-chart.js" in page.stderr:
            self.skipTest("built without Chart.js (package libjs-chart.js)")
        if compared.returncode == pairs.USAGE or "no record to report" in page.stderr:
            self.assertEqual(page.returncode, pairs.USAGE, page.stderr)
            return None
        text = re.search('<script type="application/json" id="data">(.*?)</script>', self.assert_ok(page), re.DOTALL)
        comparison = json.loads(compared.stdout)
        self.assertEqual(json.loads(text.group(1))["comparison"], comparison)
        return comparison

    noise = None

    def test_on_the_golden_pairs(self):
        for name, pair in PAIRS.items():
            with self.subTest(name):
                base, new, rule = self.write(pair)
                self.assert_agreement(base, new, *rule)

    def test_on_runs_of_one_build(self):
        runs = [SOURCE / "results" / "h100" / f"aa-{pacing}-{number}.json"
                for pacing in ("burst", "sustained") for number in (1, 2)]
        self.assertEqual(self.assert_agreement(runs[0], runs[1])["outcome"], "cannot_tell")
        self.assert_agreement(runs[2], runs[3])

    def test_with_a_clock_and_a_noise_file(self):
        machine = pairs.Machine(73, row=0.002, common=0.02)
        self.noise = self.folder / "noise.json"
        self.assert_ok(run("compare", "--calibrate", write_side(self.folder / "runs", [machine.file() for _ in range(12)]),
                           "--noise", self.noise))
        base, new, _ = self.write(pairs.Pair(*pairs.noisy(71, pairs.every_row(1.05)), pairs.OK))
        self.assertEqual(self.assert_agreement(base, new)["outcome"], "fine")
        self.assertEqual(self.assert_agreement(base, new, "--clock", "cold")["outcome"], "cannot_tell")


class Outputs(Compare):
    def test_junit_is_read(self):
        result = self.compare(PAIRS["one_row_thirty_percent"], "--format", "junit")
        suite = next(iter(junitparser.JUnitXml.fromstring(result.stdout.encode())))
        self.assertEqual((suite.failures, suite.errors, suite.skipped), (1, 0, 0))
        cases = list(suite)
        self.assertEqual(suite.tests, len(cases))
        failed = [case for case in cases if case.result]
        self.assertEqual([(case.classname, case.name) for case in failed], [("seed_q512", pairs.ROW)])
        self.assertEqual(failed[0].result[0].type, "slower")

    def test_junit_skips_what_is_unclear(self):
        result = self.compare(PAIRS["bimodal"], "--format", "junit")
        suite = next(iter(junitparser.JUnitXml.fromstring(result.stdout.encode())))
        self.assertEqual((suite.failures, suite.skipped), (0, 1))

    def test_names_cannot_break_out(self):
        nasty = 'a<b>&"c|d`e\n# f'
        base, new = pairs.noisy(60, pairs.one_row(1.3))
        for file in (*base, *new):
            for record in file["records"]:
                record["problem"]["name"] = nasty
        pair = pairs.Pair(base, new, pairs.REGRESSION)
        suite = next(iter(junitparser.JUnitXml.fromstring(self.compare(pair, "--format", "junit").stdout.encode())))
        self.assertEqual(next(iter(suite)).classname, nasty.replace("\n", " "))
        html = self.rendered(self.compare(pair, "--format", "markdown").stdout)
        self.assertIn("a&lt;b&gt;&amp;&quot;c|d`e # f", html)

    def rendered(self, markdown):
        return markdown_it.MarkdownIt("commonmark").enable("table").render(markdown)

    def test_markdown_is_rendered(self):
        result = self.compare(PAIRS["one_row_thirty_percent"], "--format", "markdown")
        html = self.rendered(result.stdout)
        self.assertEqual(html.count("<table>"), 2)
        self.assertIn(f"<td>{pairs.ROW}</td>", html)
        self.assertIn("<h3>❌ FlashCore: regression: 1 row slower</h3>", html)
        header, row = (html.count("<th>") + html.count("<th "), html.split("<tbody>")[1].split("</tr>")[0].count("<td"))
        self.assertEqual((header, row), (8 + 5, 8))

    def test_metrics_keep_to_their_forms(self):
        for form, schema in METRICS.items():
            with self.subTest(form):
                result = self.compare(PAIRS["same_noise"], "--format", form)
                metrics = json.loads(self.assert_ok(result))
                jsonschema.Draft7Validator(schema).validate(metrics)
                self.assertEqual(len(metrics["benchmarks"] if form == "google-benchmark" else metrics), 40)

    def test_several_are_written_at_once(self):
        paths = {"junit": self.folder / "gate.xml", "markdown": self.folder / "gate.md"}
        writes = [argument for form, path in paths.items() for argument in ("--write", f"{form}={path}")]
        result = self.compare(PAIRS["three_percent"], *writes)
        self.assertEqual(result.returncode, pairs.REGRESSION)
        self.assertIn("regression", result.stdout)
        self.assertTrue(paths["junit"].read_text().startswith("<?xml"))
        self.assertTrue(paths["markdown"].read_text().startswith("### "))

    def test_an_extension_names_the_format(self):
        path = self.folder / "gate.xml"
        self.assert_ok(self.compare(PAIRS["same_noise"], "--write", path))
        self.assertTrue(path.read_text().startswith("<?xml"))

    def test_place_that_cannot_be_written(self):
        result = self.compare(PAIRS["three_percent"], "--write", "junit=/proc/none/gate.xml")
        self.assert_error(result, 4, "/proc/none")


# Arguments or a policy, and words of the one line of error.
WRONG_POLICIES = {
    "unknown key": ({"tolerence": []}, ("/tolerence", "did you mean tolerances?")),
    "unknown verdict": ({"fail_on": ["slow"]}, ("/fail_on", "did you mean slower?")),
    "no effect": ({"tolerances": [{"variant": "*"}]}, ("/tolerances/0", "effect")),
    "effect above one": ({"smallest_effect": 2}, ("/smallest_effect", "at most 1")),
    "no reason": ({"allowed": [{"until": "2026-12-31"}]}, ("/allowed/0", "reason")),
    "no such day": ({"allowed": [{"reason": "x", "until": "2026-02-30"}]}, ("/allowed/0/until", "date")),
    "no date": ({"allowed": [{"reason": "x", "until": "soon"}]}, ("/allowed/0/until", "date")),
}
WRONG_ARGUMENTS = {
    "unknown format": (("--format", "jnuit"), ("--format", "did you mean junit?")),
    "format of other things": (("--format", "csv"), ("--format: csv cannot show a comparison", "markdown")),
    "unknown extension": (("--write", "gate.pdf"), ("--write", ".xml")),
    "unknown clock": (("--clock", "warm"), ("--clock", "hot, cold, call")),
    "unknown verdict": (("--fail-on", "slowr"), ("--fail-on", "did you mean slower?")),
    "no path": (("--write", "junit"), ("--write", "FORMAT=FILE")),
    "effect of zero": (("--smallest-effect", "0"), ("--smallest-effect", "above 0")),
    "three results": (("another.json",), ("BASE and NEW", "got 3")),
    "no such policy": (("--policy", "nowhere.json"), ("nowhere.json",)),
}


class BadInput(Compare):
    def test_policies(self):
        schema = jsonschema.Draft7Validator(json.loads((SCHEMAS / "gate.schema.json").read_text()),
                                            format_checker=jsonschema.FormatChecker())
        for name, (policy, parts) in WRONG_POLICIES.items():
            with self.subTest(name):
                base, new = pairs.noisy(61)
                self.assert_error(self.compare(pairs.Pair(base, new, pairs.USAGE, policy=policy)), pairs.USAGE, *parts)
                self.assertFalse(schema.is_valid(policy))
        for name, pair in PAIRS.items():
            if pair.policy is not None:
                self.assertTrue(schema.is_valid(pair.policy), name)

    def test_arguments(self):
        for name, (arguments, parts) in WRONG_ARGUMENTS.items():
            with self.subTest(name):
                self.assert_error(self.compare(PAIRS["same_noise"], *arguments), pairs.USAGE, *parts)


# A variant on a problem that any machine computes in no time.
TINY_CONFIG = {"problems": {"batch": 1, "heads_q": 1, "seq_q": 9, "head_dim": 64}, "variants": ["cpu_scalar/*"],
               "measure": {"clocks": ["hot"], "budget_s": 0.1}}


class Modes(Compare):
    def run_tiny(self, *arguments):
        config = self.folder / "tiny.json"
        config.write_text(json.dumps(TINY_CONFIG))
        return run("compare", *arguments, "--config", config, "--device", "cpu", XDG_DATA_HOME=self.folder / "data")

    def test_noise_is_kept_where_the_gate_finds_it(self):
        self.assert_ok(self.run_tiny("--calibrate", "--runs", "4"))
        noise = json.loads((self.folder / "data" / "flashcore" / "noise" / "cpu.json").read_text())
        self.assertEqual(noise["runs"], 4)
        result = self.folder / "result.json"
        self.assert_ok(run("--config", self.folder / "tiny.json", "--device", "cpu", "--output", result))
        table = run("compare", result, result, XDG_DATA_HOME=self.folder / "data").stdout
        self.assertIn("measured in 4 runs", table)

    def test_noise_of_results(self):
        machine = pairs.Machine(70, row=0.002, common=0.02)
        runs = write_side(self.folder / "runs", [machine.file() for _ in range(12)])
        file = self.folder / "noise.json"
        self.assert_ok(run("compare", "--calibrate", runs, "--noise", file))
        spread = json.loads(file.read_text())["spreads"]["medium"]
        self.assertTrue(0.002 < spread["row"] < 0.0035, spread)  # what nearly all rows stay below
        self.assertTrue(0.01 < spread["common"] < 0.03, spread)
        every_row = pairs.Pair(*pairs.noisy(71, pairs.every_row(1.05)), pairs.OK)
        self.assertEqual(self.compare(every_row).returncode, pairs.REGRESSION)
        self.assertEqual(self.compare(every_row, "--noise", file).returncode, pairs.OK)

    def test_noise_of_another_device_is_refused(self):
        self.assert_ok(self.run_tiny("--calibrate", "--runs", "4"))
        noise = self.folder / "data" / "flashcore" / "noise" / "cpu.json"
        result = self.compare(PAIRS["same_noise"], "--noise", noise)
        self.assert_error(result, pairs.USAGE, "--noise", "the result is of NVIDIA H100")

    def test_two_runs_calibrate_nothing(self):
        self.assert_error(self.run_tiny("--calibrate", "--runs", "2"), pairs.USAGE, "2 runs are too few")

    def test_one_mode_at_a_time(self):
        self.assert_error(self.run_tiny("--calibrate", "--history", "x"), pairs.USAGE, "one of --bisect, --calibrate")

    def test_live_against_itself(self):
        result = self.run_tiny("--live", BENCH, "--format", "json")
        comparison = json.loads(result.stdout)
        self.assertEqual(result.returncode, {"fine": 0, "regression": 1, "cannot_tell": 3}[comparison["outcome"]])
        self.assertEqual(len(comparison["rows"]), 1)
        self.assertGreater(comparison["rows"][0]["ratio"]["high"], comparison["rows"][0]["ratio"]["low"])

    def test_live_against_another_program(self):
        self.assert_error(self.run_tiny("--live", "/bin/true"), 4, "--live")
        self.assert_error(self.run_tiny("--live", "/nowhere"), pairs.USAGE, "--live", "/nowhere")

    def test_history(self):
        machine = pairs.Machine(72)
        files = [machine.file(pairs.one_family(1.05 if day > 7 else 1)) for day in range(1, 13)]
        for day, file in enumerate(files, 1):
            file["environment"]["time"] = f"2026-01-{day:02}T12:00:00Z"
        folder = write_side(self.folder / "history", files[::-1])
        history = json.loads(self.assert_ok(run("compare", "--history", folder, "--format", "json")))
        steps = {row["variant"].split("/")[0]: row["steps"] for row in history["rows"]}
        self.assertEqual([step["time"] for step in steps["mma"]], ["2026-01-08T12:00:00Z"])
        self.assertEqual(steps["scalar"], [])
        table = self.assert_ok(run("compare", "--history", folder))
        self.assertIn("+5", table)
        self.assertIn("at 2026-01-08T12:00:00Z", table)


class Gate(Compare):
    """The gate's script, in a repository whose run.sh is the program itself."""

    def setUp(self):
        super().setUp()
        self.tree = self.folder / "tree"
        shutil.copytree(SOURCE / "scripts" / "ci", self.tree / "scripts" / "ci")
        stub = self.tree / "scripts" / "run.sh"
        stub.write_text('#!/bin/sh\nexec "$FLASHCORE_BENCH" "$@"\n')
        stub.chmod(0o755)
        for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "all")):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *command], cwd=self.tree, check=True)

    def gate(self, *arguments):
        return subprocess.run([self.tree / "scripts" / "ci" / "gate.sh", *arguments], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, env=environment(XDG_DATA_HOME=self.folder / "data"))

    def test_both_sides_are_run_and_compared(self):
        config = self.folder / "tiny.json"
        config.write_text(json.dumps(TINY_CONFIG))
        for _ in range(2):  # the second finds the base's tree there
            result = self.gate("HEAD", "--config", config, "--device", "cpu")
            self.assertIn(result.returncode, (pairs.OK, pairs.REGRESSION, pairs.CANNOT_TELL), result.stderr)
        built = self.tree / "build" / "gate"
        self.assertEqual(sorted(str(path.relative_to(built / "results")) for path in built.glob("results/*/*")),
                         [f"{side}/run{number}.json" for side in ("base", "new") for number in (1, 2, 3)])
        self.assertTrue((built / "report.md").read_text().startswith("### "))
        self.assertEqual(len(list(junitparser.JUnitXml.fromstring((built / "junit.xml").read_bytes()))), 1)
        self.assertEqual(len(json.loads((built / "comparison.json").read_text())["rows"]), 1)

    def test_what_fails_is_told(self):
        self.assertEqual(self.gate().returncode, pairs.USAGE)
        self.assertNotIn(self.gate("no-such-commit").returncode, (pairs.OK, pairs.REGRESSION, pairs.CANNOT_TELL))
        self.assertEqual(self.gate("HEAD", "--config", "no-such-config").returncode, pairs.USAGE)

    def test_shipped_policy_keeps_to_the_schema(self):
        policy = json.loads((SOURCE / "scripts/ci/gate.json").read_text())
        schema_validator("gate.schema.json").validate(policy)


if __name__ == "__main__":
    unittest.main()
