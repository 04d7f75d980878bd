"""flashcore-bench diagnose: exit codes, its three output formats, and usage errors."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from bench import BENCH, SOURCE, BenchTest, environment, run

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
        self.assertIn("--check-only --depth deep --variants 'faulty/bf16_d64_kv32' --device cpu --problem batch=1,", result.stdout)

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
        elsewhere = ("--plugin", self.plugin_with_another_base(), "diagnose", "example/bf16_d64_kv32", "--seed", "7")
        for diagnose in (WRONG, e4m3, elsewhere):
            with self.subTest(diagnose):
                answer = json.loads(run(*diagnose, "--json").stdout)
                self.assertTrue(answer["next"])
                for command in answer["next"]:
                    self.assertIn("--plugin", command)
                    self.assertIn("--device cpu", command)  # on a machine with a GPU another is the default
                    self.assertEqual("--seed 7" in command, diagnose is elsewhere, command)
                    self.assertEqual(self.run_as_printed(command).returncode, FAILED_CHECK, command)
                first = [json.loads(self.run_as_printed(command + " --json").stdout) for command in answer["next"]
                         if " diagnose " in command]
                for deeper in first:
                    self.assertNotEqual(deeper["problem"], answer["problem"], "the command just run is no step further")
                    self.assertEqual(deeper["findings"][0]["probe"], "plain")
                self.assertEqual("out_dtype=fp16" in answer["next"][0], diagnose is e4m3)

    def plugin_with_another_base(self):
        """The example plug-in with its log-sum-exp in base 2: the problem that is asked for by default is right."""
        folder = tempfile.TemporaryDirectory(prefix="it's a ")  # the path needs quotes
        self.addCleanup(folder.cleanup)
        text = (SOURCE / "src/capi/examples/example_plugin.c").read_text()
        self.assertIn("logf(", text)
        source = pathlib.Path(folder.name) / "base_2.c"
        source.write_text(text.replace("logf(", "1.442695f * logf("))
        subprocess.run(["cc", "-std=c11", "-O1", "-shared", "-fPIC", f"-I{SOURCE}/src/capi", f"-I{SOURCE}/src/capi/examples",
                        source, "-lm", "-o", source.with_suffix(".so")], check=True)
        return source.with_suffix(".so")

    def run_as_printed(self, command):
        """By a shell, which finds the program on PATH."""
        path = f"{pathlib.Path(BENCH).parent}:{os.environ['PATH']}"
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=tempfile.gettempdir(),
                              env=environment(PATH=path))

    def test_the_proposed_commands_for_a_crash_crash_again(self):
        answer = json.loads(self.drill(2, "--json").stdout)
        in_process, check = answer["next"]
        self.assertIn("--in-process", in_process)
        self.assertLess(abs(self.run_as_printed(in_process).returncode - 128 - signal.SIGABRT), 1)
        self.assertEqual(self.run_as_printed(check).returncode, ENVIRONMENT)

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
