"""Plug-ins loaded with --plugin are listed, checked and timed like the built-in families; wrong tables are errors."""

import json
import os
import pathlib
import tempfile
import unittest

from bench import BenchTest, run

EXAMPLE = os.environ["FLASHCORE_EXAMPLE_PLUGIN"]
FAULTY = os.environ["FLASHCORE_FAULTY_PLUGIN"]
NO_PLUGIN = os.environ["FLASHCORE_NO_PLUGIN"]

PROBLEM = "batch=1,heads_q=4,heads_kv=2,seq_q=33,seq_kv=47,head_dim=64,dtype=bf16,causal=true"
USAGE = 2


class Plugin(BenchTest):
    def run_plugins(self, *arguments, code=0, **env):
        """The records of a run on the CPU."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            result = run("--device", "cpu", "--problem", PROBLEM, "--budget", "0.5", "--format", "json", "--output",
                         path, *arguments, **env)
            self.assertEqual(result.returncode, code, result.stderr)
            return json.loads(path.read_text())["records"]

    def test_is_checked_and_timed_with_the_built_in_families(self):
        records = self.run_plugins("--plugin", EXAMPLE, "--variants", "example/*,cpu_scalar/*")
        self.assertEqual([record["variant"] for record in records],
                         ["cpu_scalar/bf16_d64", "example/bf16_d64_kv32", "example/bf16_d64_kv64"])
        for record in records:
            self.assertEqual(record["status"], "ok", record)
            self.assertTrue(record["check"]["passed"])
            self.assertGreater(record["timing"]["hot_us"]["median"], 0)
            self.assertEqual(len(record["code_hash"]), 16, record)
        self.assertNotEqual(records[0]["code_hash"], records[1]["code_hash"])

    def test_two_runs_of_it_are_compared_by_their_times(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a", "b"):
                self.assert_ok(run("--device", "cpu", "--problem", PROBLEM, "--budget", "0.5", "--format", "json", "--output",
                                   f"{folder}/{name}", "--plugin", EXAMPLE, "--variants", "example/*,cpu_scalar/*"))
            result = run("compare", f"{folder}/a.json", f"{folder}/b.json", "--format", "json")
            rows = json.loads(result.stdout)["rows"]
        self.assertEqual({row["variant"].split("/")[0]: row["same_code"] for row in rows}, {"example": False, "cpu_scalar": True})

    def test_mask_softcap_and_log_sum_exp(self):
        for more in (",softcap=5", ",window_left=3", ",lse=true", ",layout=padded"):
            with self.subTest(more):
                result = run("--plugin", EXAMPLE, "--variants", "example/*", "--device", "cpu", "--check-only",
                             "--format", "table", "--problem", PROBLEM + more)
                self.assert_ok(result)

    def test_wrong_kernel_is_exit_code_1(self):
        for record in self.run_plugins("--plugin", FAULTY, "--variants", "faulty/*", code=1):
            self.assertEqual(record["status"], "incorrect", record)
            self.assertNotIn("timing", record)

    def test_several_are_listed_last(self):
        entries = json.loads(self.assert_ok(run("--plugin", EXAMPLE, "--plugin", FAULTY, "list", "--json")))
        families = list(dict.fromkeys(entry["family"] for entry in entries))
        self.assertEqual(families[-2:], ["example", "faulty"])
        self.assertEqual(entries[-1]["summary"], "writes zeros")

    def test_cuda_family_of_8_bits(self):
        entries = json.loads(self.assert_ok(run("--plugin", FAULTY, "list", "--family", "faulty", "--dtype", "e4m3",
                                                "--json", FAULT="cuda_e4m3")))
        self.assertEqual({entry["backend"] for entry in entries}, {"cuda"})

    def test_option_may_follow_the_command(self):
        families = json.loads(self.assert_ok(run("info", "--plugin", EXAMPLE, "--json")))["families"]
        self.assertEqual(families[-1], {"family": "example", "backend": "cpu", "compiled_in": True, "variants": 3,
                                        "run_here": 3, "reasons": []})

    def test_filters_and_reasons(self):
        listing = self.assert_ok(run("--plugin", EXAMPLE, "list", "--family", "example", "--block_kv", "64"))
        self.assertIn("example/bf16_d64_kv64", listing)
        self.assertNotIn("example/bf16_d64_kv32", listing)
        self.assert_error(run("--plugin", EXAMPLE, "--variants", "example/*", "--device", "cpu", "--dry-run",
                              "--problem", "batch=1,heads_q=1,seq_q=1,seq_kv=65537,head_dim=64,dtype=bf16"),
                          USAGE, "at most 65536 keys")

    def test_files_that_are_not_plugins(self):
        self.assert_error(run("--plugin", "no_such.so", "list"), USAGE, "--plugin: no_such.so: cannot be loaded")
        self.assert_error(run("--plugin", __file__, "list"), USAGE, "--plugin", "cannot be loaded")
        self.assert_error(run("--plugin", NO_PLUGIN, "list"), USAGE, "--plugin", "does not export flashcore_plugin_v1")
        self.assert_error(run("--plugin", EXAMPLE, "--plugin", EXAMPLE, "list"), USAGE, "family example already exists")

    def test_wrong_tables(self):
        faults = {"null": "returned no table", "abi_version": "abi_version is 99, this program supports 1",
                  "backend": "backend 7", "family": "family must consist of", "known_family": "family cpu_scalar already exists",
                  "no_variants": "has no variants", "many_variants": "num_variants is 100000, the limit is 4096",
                  "dtype": "variants[1]: dtype 3", "head_dim": "variants[1]: head_dim", "tile": "variants[1]: a tile parameter",
                  "twins": "variants[1]: faulty/bf16_d64_kv32 appears twice", "launch": "launch is null"}
        for fault, reason in faults.items():
            with self.subTest(fault):
                self.assert_error(run("--plugin", FAULTY, "list", FAULT=fault), USAGE, "--plugin", reason)


if __name__ == "__main__":
    unittest.main()
