"""Wrong input: one line with the flag or JSON pointer and the right exit code, before any work starts."""

import os
import pathlib
import tempfile
import unittest

from bench import TINY, BenchTest, run

USAGE, ENVIRONMENT = 2, 4


class Config(BenchTest):
    def reject(self, text, *parts):
        self.assert_error(run("--config", "-", "--device", "cpu", stdin=text), USAGE, *parts)

    def test_truncated_json(self):
        self.reject("{", "standard input: line 1, column 2: truncated JSON")

    def test_empty_input(self):
        self.reject("", "standard input: line 1, column 1: truncated JSON")

    def test_unknown_key(self):
        self.reject('{"problems": [{"sed_q": 512}]}', "/problems/0/sed_q: unknown key, did you mean seq_q?")

    def test_zero_size(self):
        self.reject('{"problems": [{"seq_q": 0}]}', "/problems/0/seq_q: 0 is out of range")

    def test_glob_without_match(self):
        self.reject('{"problems": {}, "variants": ["cpu_scaler/*"]}', "/variants/0", "did you mean cpu_scalar/*?")

    def test_a_key_may_hold_anything(self):
        self.reject('{"a\\nb\\u001b[31m": 1}', "unknown key")

    def test_missing_config(self):
        self.assert_error(run("--config", "l5"), USAGE, "--config: l5", "did you mean l4?", "default")
        self.assert_error(run("--config", "no/such.json"), USAGE, "--config: no/such.json")

    def test_config_that_is_a_directory(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_error(run("--config", folder), USAGE, "is a directory")


class Flags(BenchTest):
    def reject(self, *arguments, parts, code=USAGE):
        self.assert_error(run("--device", "cpu", *arguments), code, *parts)

    def test_problem(self):
        for length in ("seq_q", "seq_kv"):
            self.reject("--problem", f"{length}=0", parts=[f"--problem/{length}: 0 is out of range"])
        self.reject("--problem", "sed_q=1", parts=["--problem/sed_q", "did you mean seq_q?"])
        self.reject("--problem", "seq_q", parts=["--problem", "key=value"])

    def test_sizes_that_overflow(self):
        self.reject("--problem", "batch=2147483647,heads_q=2147483647,seq_q=2147483647",
                    parts=["--problem: ", "exceeds the address space"])
        self.reject("--problem", "batch=99999999999999999999", parts=["--problem/batch: ", "out of range"])

    def test_more_memory_than_the_device_has(self):
        for problem in ("batch=4096,heads_q=64,seq_q=65536,head_dim=64", "batch=65536,heads_q=4096,seq_q=2097152"):
            self.reject("--problem", problem, parts=["--problem: ", "GiB of memory", "free"])

    def test_variants(self):
        self.reject("--variants", "nothing/*", parts=["--variants", "no variant matches"])
        self.reject("--variants", "cpu_scalar", parts=["--variants", "did you mean cpu_scalar/*?"])
        self.reject("--variants", "cpu_*,!cpu_*", parts=["--variants", "excludes all selected variants"])

    def test_no_variant_for_the_problem(self):
        self.reject("--problem", TINY.replace("head_dim=64", "head_dim=72"),
                    parts=["can run on", "compiled for another dtype or head_dim"])

    def test_baseline(self):
        self.reject("--baseline", "nothing/*", parts=["--baseline", "no variant matches"])

    def test_numbers(self):
        self.reject("--budget", "soon", parts=["--budget: must be a number"])
        self.reject("--budget", "-1", parts=["--budget: -1 is out of range"])
        self.reject("--seed", "x", parts=["--seed: must be an integer"])

    def test_format(self):
        self.reject("--format", "jsn", parts=["--format: unknown format \"jsn\", did you mean json?"])

    def test_contradicting_flags(self):
        self.reject("--check-only", "--no-check", parts=["--check-only"])

    def test_device(self):
        self.assert_error(run("--device", "gpu"), USAGE, "--device: unknown device \"gpu\"")
        self.assert_error(run("--device", "cuda:x"), USAGE, "--device")
        self.assert_error(run("--device", "cuda:999"), ENVIRONMENT, "--device cuda")

    def test_output_below_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            self.reject("--problem", TINY, "--output", file.name + "/x", parts=["--output", file.name])

    @unittest.skipIf(os.geteuid() == 0, "root can write everywhere")
    def test_output_without_permission(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o500)
            self.reject("--problem", TINY, "--output", folder + "/x", parts=["--output", folder])


class CommandLine(BenchTest):
    def test_unknown_option(self):
        self.assert_error(run("--confg", "l4"), USAGE, "unknown option --confg, did you mean --config?")
        self.assert_error(run("--confg=l4"), USAGE, "unknown option --confg, did you mean --config?")
        self.assert_error(run("list", "--jsn"), USAGE, "unknown option --jsn, did you mean --json?")
        self.assert_error(run("--zzzzzz"), USAGE, "unknown option --zzzzzz", "--help")

    def test_unknown_command(self):
        self.assert_error(run("lst"), USAGE, "unknown command lst, did you mean list?")
        self.assert_error(run("info", "list"), USAGE)

    def test_missing_value(self):
        self.assert_error(run("--config"), USAGE, "--config")

    def test_option_given_twice(self):
        self.assert_error(run("--seed", "1", "--seed", "2"), USAGE, "--seed")

    def test_option_of_another_command(self):
        self.assert_error(run("--config", "l4", "list"), USAGE, "--config: is an option of run, not of list")
        self.assert_error(run("info", "--seed", "1"), USAGE, "--seed: is an option of run, not of info")

    def test_list_filters(self):
        self.assert_error(run("list", "nothing/*"), USAGE, "list: \"nothing/*\"")
        self.assert_error(run("list", "--block_q", "x"), USAGE, "--block_q", "there are: ")
        self.assert_error(run("list", "--family", "cpu_scaler"), USAGE, "did you mean cpu_scalar?")

    def test_quiet_and_verbose(self):
        self.assert_error(run("-q", "-v", "--dry-run"), USAGE, "--quiet")


if __name__ == "__main__":
    unittest.main()
