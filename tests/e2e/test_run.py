"""Whole runs on the CPU: records, files, exit codes."""

import csv
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

from bench import BENCH, TINY, BenchTest, environment, run, wait_for_entry

QUICK = ("--device", "cpu", "--problem", TINY, "--budget", "0.2")


class Run(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def records(self, name):
        return json.loads((self.folder / name).read_text())["records"]

    def test_every_selected_variant_is_a_record_in_all_formats(self):
        result = run(*QUICK, "--variants", "cpu_*", "--output", self.folder / "new" / "result.json")
        text = self.assert_ok(result)
        records = self.records("new/result.json")
        listed = json.loads(self.assert_ok(run("list", "--backend", "cpu", "--dtype", "fp16", "--head_dim", "64",
                                               "--json")))
        self.assertEqual([record["variant"] for record in records], [entry["id"] for entry in listed])
        for record in records:
            self.assertEqual(record["status"], "ok", record)
            self.assertIn(record["variant"].split("/")[0], text)
        with open(self.folder / "new" / "result.csv", newline="") as file:
            self.assertEqual([row["variant"] for row in csv.DictReader(file)],
                             [record["variant"] for record in records])
        self.assertNotIn("\x1b", text, "no colour where there is no terminal")

    def test_a_run_ends_with_its_conclusion(self):
        text = self.assert_ok(run("--device", "cpu", "--problem", "name=p,heads_q=2,seq_q=33:40", "--budget", "0.2",
                                  "--variants", "cpu_*", "--baseline", "cpu_scalar/*", "--output", self.folder / "r"))
        lines = text.split("\nConclusion\n")[1].splitlines()
        self.assertEqual([line.split(":")[0] for line in lines[:2]], ["  p_q33", "  p_q40"])
        self.assertIn("cpu_scalar/fp16_d64", lines[0])
        self.assertIn("over 2 problems", lines[2])
        fast = [max((r for r in self.records("r.json") if r["problem"]["name"] == name), key=lambda r: r["tflops"])
                for name in ("p_q33", "p_q40")]
        for line, record in zip(lines, fast):
            self.assertIn(record["variant"], line)

    def test_what_was_not_reached_is_said_with_a_budget_that_would_do(self):
        config = {"problems": {"name": "p", "heads_q": 2, "seq_q": 64}, "variants": "cpu_scalar/*",
                  "measure": {"min_samples": 30, "relative_width": 1, "budget_s": 1e-6, "clocks": ["hot"]}}
        arguments = ("--config", "-", "--device", "cpu", "--format", "table,json", "--output", self.folder / "r")
        result = run(*arguments, stdin=json.dumps(config))
        self.assertIn("cpu_scalar/fp16_d64 ‡", self.assert_ok(result))
        self.assertIn("‡ fewer than 30 samples of one of its times", result.stdout)
        said = re.search(r"1 of 1 rows has fewer than 30 samples \(min_samples\).*; --budget (\S+) would do", result.stderr)
        self.assertTrue(said, result.stderr)
        # Far more than the estimate, because another process may take the processor in between.
        result = run(*arguments, "--budget", str(5 + 10 * float(said[1])), stdin=json.dumps(config))
        self.assert_ok(result)
        self.assertNotIn("min_samples", result.stderr)
        self.assertGreaterEqual(self.records("r.json")[0]["timing"]["hot_us"]["n"], 30)

    def test_problems_of_eight_bits(self):
        text = self.assert_ok(run("--device", "cpu", "--problem", "name=p,batch=2,heads_q=4,heads_kv=2,seq_q=33,"
                                  "dtype=e4m3,out_dtype=fp16:bf16", "--budget", "0.2", "--depth", "deep",
                                  "--variants", "cpu_*", "--output", self.folder / "r"))
        self.assertIn("head_dim 64, e4m3 to fp16", text)
        records = self.records("r.json")
        self.assertEqual({record["problem"]["out_dtype"] for record in records}, {"fp16", "bf16"})
        self.assertEqual({record["family"] for record in records}, {"cpu_scalar", "cpu_fused"})
        for record in records:
            self.assertEqual((record["status"], record["spec"]["dtype"]), ("ok", "e4m3"), record)
            self.assertGreater(record["check"]["cases"], 20)
        with open(self.folder / "r.csv", newline="") as file:
            self.assertEqual({row["problem.out_dtype"] for row in csv.DictReader(file)}, {"fp16", "bf16"})

    def test_default_output_is_below_results(self):
        self.assert_ok(run(*QUICK, "--variants", "cpu_scalar/*", "--format", "json", cwd=self.folder))
        files = list(self.folder.glob("results/cpu/default-*.json"))
        self.assertEqual(len(files), 1)

    def test_format_table_writes_no_file(self):
        self.assert_ok(run(*QUICK, "--variants", "cpu_scalar/*", "--format", "table", cwd=self.folder))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_check_only_takes_no_time(self):
        self.assert_ok(run(*QUICK, "--check-only", "--format", "json", "--output", self.folder / "r"))
        for record in self.records("r.json"):
            self.assertIn("check", record)
            self.assertNotIn("timing", record)

    def test_deep_check_passes_and_is_recorded(self):
        self.assert_ok(run(*QUICK, "--check-only", "--depth", "deep", "--variants", "cpu_*", "--format", "json",
                           "--output", self.folder / "r"))
        for record in self.records("r.json"):
            self.assertEqual((record["status"], record["check"]["depth"]), ("ok", "deep"), record)
            self.assertGreater(record["check"]["cases"], 20)

    def test_a_deep_check_labels_batch_invariance(self):
        problem = "heads_q=2,seq_q=16,seq_kv=64,causal=true"
        self.assert_ok(run("--device", "cpu", "--problem", problem, "--check-only", "--depth", "deep", "--variants",
                           "cpu_scalar/fp16_d64,cpu_fused/fp16_d64_q32_kv64", "--output", self.folder / "r"))
        scalar, fused = (record["check"] for record in self.records("r.json"))
        self.assertIs(scalar["batch_invariant"], True)
        self.assertNotIn("batch_variance", scalar)
        self.assertIs(fused["batch_invariant"], False)
        self.assertEqual(fused["batch_variance"], "in chunks (149 queries, 331 keys)")

    def test_a_required_property_leaves_out_variants_without_it(self):
        self.assert_ok(run("--device", "cpu", "--problem", "heads_q=2,seq_q=16,seq_kv=64,causal=true", "--budget", "0.2",
                           "--variants", "cpu_scalar/fp16_d64,cpu_fused/fp16_d64_q32_kv64", "--require",
                           "batch_invariant", "--output", self.folder / "r"))
        scalar, fused = self.records("r.json")
        self.assertEqual(scalar["status"], "ok", scalar)
        self.assertIn("timing", scalar)
        self.assertEqual(fused["status"], "unsupported")
        self.assertEqual(fused["reason"],
                         "is not batch invariant: in chunks (149 queries, 331 keys) the bits differ")
        self.assertNotIn("timing", fused)
        self.assertEqual(json.loads((self.folder / "r.json").read_text())["config"]["require"], "batch_invariant")

    def test_an_unknown_property_lists_what_there_is(self):
        self.assert_error(run(*QUICK, "--require", "speed"), 2, '--require: unknown word "speed"; one of: batch_invariant')
        self.assert_error(run(*QUICK, "--require", "batch_invariant", "--no-check"), 2, "--require: cannot be combined")

    def test_no_check_only_times(self):
        self.assert_ok(run(*QUICK, "--no-check", "--variants", "cpu_scalar/*", "--format", "json", "--output",
                           self.folder / "r"))
        for record in self.records("r.json"):
            self.assertNotIn("check", record)
            self.assertIn("timing", record)

    def test_an_unreachable_limit_is_exit_code_1(self):
        config = {"problems": {"heads_q": 2, "seq_q": 64, "dtype": "bf16"}, "variants": "cpu_scalar/*",
                  "check": {"max_abs": 1e-12}}
        result = run("--config", "-", "--device", "cpu", "--format", "json", "--output", self.folder / "r",
                     stdin=json.dumps(config))
        self.assertEqual(result.returncode, 1, result.stderr)
        for record in self.records("r.json"):
            self.assertEqual(record["status"], "incorrect")
            self.assertNotIn("timing", record, "what is wrong is never timed")

    def test_file_has_the_config_with_the_flags(self):
        self.assert_ok(run(*QUICK, "--seed", "11", "--variants", "cpu_scalar/*", "--format", "json", "--output",
                           self.folder / "r"))
        config = json.loads((self.folder / "r.json").read_text())["config"]
        self.assertEqual(config["seed"], 11)
        self.assertEqual(config["variants"], "cpu_scalar/*")

    def test_interrupt_keeps_finished_records(self):
        # Thousands of small problems, so that the interrupt arrives during the run even on a fast machine.
        lengths = ":".join(str(length) for length in range(1, 9000))
        process = subprocess.Popen(
            [BENCH, "--device", "cpu", "--problem", f"head_dim=64,seq_q={lengths}", "--variants", "cpu_scalar/*",
             "--check-only", "--format", "json", "--output", str(self.folder / "r")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        wait_for_entry(self.folder / "r.json", "records")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130)
        records = self.records("r.json")
        self.assertTrue(0 < len(records) < 8999, len(records))


if __name__ == "__main__":
    unittest.main()
