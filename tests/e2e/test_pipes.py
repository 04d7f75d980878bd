"""Output that pipes: what goes to standard output stands there alone, and no file is left that nobody named."""

import csv
import io
import json
import os
import pathlib
import subprocess
import tempfile

import junitparser

from bench import BENCH, SOURCE, TINY, BenchTest, environment, run, schema_validator

EXAMPLE = pathlib.Path(os.environ["FLASHCORE_EXAMPLE_PLUGIN"])
LADDER = SOURCE / "results" / "h100" / "ladder.json"
RUN = ("--device", "cpu", "--problem", TINY, "--variants", "cpu_fused/*_q16_*,cpu_scalar/*", "--budget", "0.3")
USAGE = 2


class PipeTest(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def printed(self, *arguments, files=()):
        """What a command prints, run in a folder that has only these files afterwards."""
        output = self.assert_ok(run(*arguments, cwd=self.folder))
        self.assertEqual(sorted(path.name for path in self.folder.rglob("*")), sorted(files))
        return output


class Run(PipeTest):
    def test_json_stands_alone_on_standard_output(self):
        for words in (("--format", "json", "--output", "-"), ("--output", "-"), ("--format", "json", "-"), ("--json",)):
            with self.subTest(words):
                results = json.loads(self.printed(*RUN, *words))
                schema_validator("result.schema.json").validate(results)
                self.assertEqual([record["variant"] for record in results["records"]],
                                 ["cpu_scalar/fp16_d64", "cpu_fused/fp16_d64_q16_kv64"])

    def test_other_formats(self):
        rows = list(csv.DictReader(io.StringIO(self.printed(*RUN, "--format", "csv", "--output", "-"))))
        self.assertEqual(len(rows), 2)
        self.assertIn("hot µs", self.printed(*RUN, "--format", "table", "--output", "-"))

    def test_standard_output_may_be_a_file(self):
        path = self.folder / "out.json"
        with path.open("w") as out:
            out.write("\n")
            out.flush()
            subprocess.run([BENCH, *RUN, "--json", "--quiet"], stdout=out, env=environment(), check=True)
        self.assertEqual(len(json.loads(path.read_text())["records"]), 2)

    def test_the_formats_of_a_config_are_for_its_files(self):
        (self.folder / "c.json").write_text(json.dumps({
            "problems": [{"heads_q": 2, "seq_q": 33, "head_dim": 64}], "variants": ["cpu_scalar/fp16_d64"],
            "measure": {"budget_s": 0.2}, "report": {"formats": ["table", "csv"], "output": "kept"}}))
        self.assertEqual(list(json.loads(self.printed("--config", "c.json", "--output", "-", files=["c.json"]))),
                         ["schema_version", "environment", "config", "records"])

    def test_mistakes(self):
        self.assert_error(run(*RUN, "--format", "json,csv", "--output", "-"), USAGE, "--format", "one format")
        self.assert_error(run(*RUN, "--json", "--output", "x"), USAGE, "--json")
        self.assert_error(run(*RUN, "--json", "--format", "csv"), USAGE, "--json")
        self.assert_error(run(*RUN, "--output", "x", "-"), USAGE, "-: cannot be combined with --output")
        self.assert_error(run("tune", "-"), USAGE, "-")

    def test_a_check_without_times_leaves_files_only_where_they_are_named(self):
        self.assertIn("rel L2", self.printed(*RUN, "--check-only"))
        self.printed(*RUN, "--check-only", "--output", "c", files=["c.json", "c.csv"])
        self.assertEqual(len(json.loads(self.printed(*RUN, "--check-only", "--json", files=["c.json", "c.csv"]))["records"]), 2)

    def test_a_plan(self):
        plan = json.loads(self.printed(*RUN, "--dry-run", "--json"))
        self.assertEqual([variant["id"] for variant in plan["variants"]], ["cpu_scalar/fp16_d64", "cpu_fused/fp16_d64_q16_kv64"])
        self.assertEqual(plan["problems"][0]["problem"]["seq_q"], 33)
        self.assertEqual(plan["variants"][0]["runs"], [plan["problems"][0]["problem"]["name"]])

    def test_without_a_terminal_verbose_has_a_line_a_problem(self):
        result = run("--device", "cpu", "--problem", "heads_q=2,seq_q=17:33", "--variants", "cpu_scalar/*", "--check-only", "-v")
        self.assertIn("debug: problem 1 of 2: b1_hq2_hkv2_q17", result.stderr)
        self.assertIn("debug: problem 2 of 2: b1_hq2_hkv2_q33", result.stderr)


class OtherCommands(PipeTest):
    def test_tune_and_merge(self):
        for words in (("--output", "-"), ("--json",)):
            table = json.loads(self.printed("tune", *RUN, *words))
            schema_validator("tuned.schema.json").validate(table)
            self.assertEqual(len(table["tuned_table"]), 1)
        (self.folder / "t.json").write_text(json.dumps(table))
        for words in (("--output", "-"), ("--json",)):
            self.assertEqual(json.loads(self.printed("merge", "t.json", *words, files=["t.json"])), table)
        space = json.loads(self.printed("tune", *RUN, "--dry-run", "--json", files=["t.json"]))
        self.assertEqual(space[0]["candidates"], ["cpu_scalar/fp16_d64", "cpu_fused/fp16_d64_q16_kv64"])

    def test_json_means_the_same_everywhere(self):
        (self.folder / "r.json").write_text(self.printed(*RUN, "--json"))
        for arguments in (("list",), ("info",), ("report", "r.json"), ("compare", "r.json", "r.json"),
                          ("diagnose", "cpu_scalar/fp16_d64", "--problem", "heads_q=1,seq_q=32")):
            with self.subTest(arguments):
                json.loads(self.printed(*arguments, "--json", files=["r.json"]))

    def test_a_written_file_is_not_standard_output(self):
        self.assert_error(run("compare", LADDER, LADDER, "--write", "json=-"), USAGE, "--write")


class Report(PipeTest):
    def results(self):
        results = json.loads(LADDER.read_text())
        results["records"] = results["records"][:6]
        for record, status in zip(results["records"][1:], ("incorrect", "suspect", "unsupported", "crashed"), strict=False):
            record.update(status=status, reason=f"it is {status} & <odd>")
            record.pop("timing", None)
        (self.folder / "r.json").write_text(json.dumps(results))
        return results["records"]

    def report(self, name):
        return self.assert_ok(run("report", self.folder / "r.json", "--format", name))

    def test_junit_has_a_case_per_record(self):
        records = self.results()
        suite = next(iter(junitparser.JUnitXml.fromstring(self.report("junit").encode())))
        self.assertEqual((suite.tests, suite.failures, suite.errors, suite.skipped), (len(records), 2, 1, 1))
        case = list(suite)[1]
        self.assertEqual((case.classname, case.name), (records[1]["problem"]["name"], records[1]["variant"]))
        self.assertEqual(case.result[0].message, "incorrect: it is incorrect & <odd>")

    def test_times_for_services(self):
        records = [record for record in self.results() if record["status"] == "ok"]
        medians = {f"{record['problem']['name']}/{record['variant']}": record["timing"]["hot_us"]["median"] for record in records}
        self.assertEqual({name: entry["latency"]["value"] for name, entry in json.loads(self.report("bencher")).items()},
                         {name: us * 1e3 for name, us in medians.items()})
        self.assertEqual({entry["name"]: entry["value"] for entry in json.loads(self.report("customSmallerIsBetter"))}, medians)
        self.assertEqual({entry["name"]: entry["real_time"]
                          for entry in json.loads(self.report("google-benchmark"))["benchmarks"]}, medians)

    def test_the_table_is_the_default(self):
        self.results()
        text = self.assert_ok(run("report", self.folder / "r.json"))
        self.assertEqual(text, self.report("table"))
        self.assertIn("incorrect: it is incorrect & <odd>", text)


class ConfigPlugins(PipeTest):
    def write(self, plugins):
        (self.folder / "c.json").write_text(json.dumps({
            "plugins": plugins, "variants": ["example/*"], "measure": {"budget_s": 0.2},
            "problems": [{"heads_q": 2, "seq_q": 33, "head_dim": 64, "dtype": "bf16"}]}))
        return self.folder / "c.json"

    def test_paths_are_from_the_folder_of_the_config(self):
        (self.folder / "mine.so").symlink_to(EXAMPLE)
        for plugins in ("mine.so", ["./mine.so"], [str(EXAMPLE)]):
            config = self.write(plugins)
            results = json.loads(self.assert_ok(run("--config", config, "--device", "cpu", "--json")))
            self.assertEqual([record["status"] for record in results["records"]], ["ok", "ok"])
        self.assert_ok(run("tune", "--config", config, "--device", "cpu", "--json"))

    def test_mistakes_name_their_place(self):
        self.assert_error(run("--config", self.write(["none.so"]), "--device", "cpu"), USAGE, "/plugins/0", "none.so")
        self.assert_error(run("--config", self.write([3]), "--device", "cpu"), USAGE, "/plugins/0")
        self.assert_error(run("--config", self.write([""]), "--device", "cpu"), USAGE, "/plugins/0")
