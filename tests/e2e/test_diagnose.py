"""flashcore-bench diagnose: exit codes, its three output formats, and usage errors."""

import json
import os
import pathlib
import shlex
import tempfile
import unittest

from bench import BenchTest, run

FAULTY = os.environ["FLASHCORE_FAULTY_PLUGIN"]
DRILL = os.environ["FLASHCORE_DRILL_PLUGIN"]
WRONG = ("--plugin", FAULTY, "diagnose", "faulty/bf16_d64_kv32")
FAILED_CHECK, USAGE, ENVIRONMENT = 1, 2, 4


class Diagnose(BenchTest):
    def test_help(self):
        self.assert_golden("help_diagnose.txt", self.assert_ok(run("diagnose", "--help")))

    def test_right_variant(self):
        text = self.assert_ok(run("diagnose", "cpu_scalar/fp16_d64", "--problem", "seq_q=65"))
        self.assertIn("Nothing is wrong: no probe failed.", text)

    def test_wrong_variant(self):
        result = run(*WRONG)
        self.assertEqual(result.returncode, FAILED_CHECK, result.stderr)
        self.assertIn("All of O is zero", result.stdout)
        self.assertIn("--check-only --depth deep --variants 'faulty/bf16_d64_kv32' --problem batch=1,", result.stdout)

    def test_json_and_html(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.html"
            result = run(*WRONG, "--json", "--html", page)
            self.assertEqual(result.returncode, FAILED_CHECK, result.stderr)
            answer = json.loads(result.stdout)
            self.assertEqual(answer["faults"][0]["fault"], "all_zero")
            self.assertIn(answer["sentence"], page.read_text(encoding="utf-8"))

    def drill(self, number, *arguments):
        """Diagnoses a variant of the drill plug-in, which runs problems with one key and prints at each launch."""
        return run("--plugin", DRILL, "-q", "diagnose", f"drill/bf16_d64_kv{number}", "--problem", "seq_q=33,seq_kv=1",
                   *arguments)

    def test_a_kernel_that_kills_its_process_is_a_verdict(self):
        for number, how in ((2, "SIGABRT"), (4, "did not return within 1 s (--timeout)")):
            result = self.drill(number, "--timeout", "1", "--json")
            self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
            answer = json.loads(result.stdout)
            self.assertEqual(answer["faults"][0]["fault"], "crash")
            self.assertEqual(answer["faults"][0]["shown_by"], "plain")
            self.assertIn("plain (seq_q 33, seq_kv 1): the process that ran it", answer["sentence"])
            self.assertIn(how, answer["sentence"])
            self.assertIn("seq_kv=1", answer["next"][0])
        self.assertIn("the drill aborts", self.drill(2).stdout)

    def test_what_a_kernel_prints_stays_off_standard_output(self):
        answer = json.loads(self.drill(1, "--json").stdout)
        self.assertEqual(answer["findings"][0]["outcome"], "passed")

    def test_in_process_finds_the_same(self):
        self.assertEqual(run(*WRONG, "--json", "--in-process").stdout, run(*WRONG, "--json").stdout)

    def test_format_and_write_say_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            pages = [pathlib.Path(folder) / name for name in ("short.html", "long.html")]
            short = run(*WRONG, "--json", "--html", pages[0])
            long = run(*WRONG, "--format", "json", "--write", f"html={pages[1]}")
            self.assertEqual(short.stdout, long.stdout)
            self.assertEqual(pages[0].read_text(), pages[1].read_text())

    def test_the_proposed_commands_run_as_printed(self):
        e4m3 = ("--plugin", FAULTY, "diagnose", "faulty/e4m3_d64_kv32", "--problem", "seq_q=70,out_dtype=fp16")
        for diagnose in (WRONG, e4m3):
            answer = json.loads(run(*diagnose, "--json").stdout)
            self.assertTrue(answer["next"])
            for command in answer["next"]:
                self.assertIn("--plugin", command)
                self.assertNotIn(" diagnose ", command, "the command just run is no step further")
                result = run(*shlex.split(command)[1:], cwd=tempfile.gettempdir())
                self.assertEqual(result.returncode, FAILED_CHECK, f"{command}: {result.stderr}")
        self.assertIn("out_dtype=fp16", answer["next"][0])

    def test_a_problem_of_another_dtype_is_a_usage_error(self):
        problem = "batch=1,heads_q=2,seq_q=64,dtype=bf16"
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d32", "--problem", problem), USAGE,
                          "cannot run it: compiled for another dtype")

    def test_the_dtype_of_the_output_is_not_the_dtype(self):
        problem = "batch=1,heads_q=2,seq_q=64,out_dtype=fp16"
        self.assertIn("Nothing is wrong", self.assert_ok(run("diagnose", "cpu_scalar/e4m3_d32", "--problem", problem)))

    def test_usage_errors(self):
        self.assert_error(run("diagnose"), USAGE, "variant")
        self.assert_error(run("diagnose", "cpu_scaler/fp16_d64"), USAGE, "diagnose: ", "cpu_scalar")
        self.assert_error(run("diagnose", "cpu_scalar/*"), USAGE, "only one can be diagnosed at a time")
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d64", "--problem", "seq_q=1:2"), USAGE,
                          "--problem: makes 2 problems")
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d64", "--problem", "head_dim=32"), USAGE, "--problem: ")
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d64", "--device", "cuda"), USAGE,
                          "--device: cpu_scalar/fp16_d64 runs on the CPU")
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d64", "--format", "junit"), USAGE,
                          "--format: junit cannot show a diagnosis; one of: table, json, html")
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d64", "--json", "--format", "html"), USAGE, "--json: ")
        self.assert_error(run("diagnose", "cpu_scalar/fp16_d64", "--html", "/proc/none/page.html"), ENVIRONMENT,
                          "/proc/none")


if __name__ == "__main__":
    unittest.main()
