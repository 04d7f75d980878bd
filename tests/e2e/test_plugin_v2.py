"""Plug-ins of version 2: capabilities, plans, and structs of other sizes; through the processes that keep their code apart."""

import os
import unittest

from bench import BenchTest, run

RAGGED = os.environ["FLASHCORE_RAGGED_PLUGIN"]
TABLE = os.environ["FLASHCORE_TABLE_PLUGIN"]
VERSION1 = os.environ["FLASHCORE_VERSION1_PLUGIN"]

ONE_KEY = "heads_q=2,seq_q=3,seq_kv=1,head_dim=64"
PLAIN, CAUSAL, SINKS, PLAN = (f"table/fp16_d64_kv{i}" for i in range(1, 5))
USAGE = 2


class PluginV2(BenchTest):
    def check(self, plugin, variants, problem, *options, **env):
        return run("--plugin", plugin, *options, "--variants", variants, "--device", "cpu", "--check-only", "--format",
                   "table", "--problem", problem, **env)

    def test_the_example_is_right(self):
        for more in ("causal=true", "window_left=3,softcap=5", "lse=true,layout=padded"):
            with self.subTest(more):
                self.assert_ok(self.check(RAGGED, "ragged/*", f"heads_q=4,heads_kv=2,seq_q=9,seq_kv=13,dtype=bf16,{more}"))

    def test_the_example_is_right_on_ragged_problems(self):
        for more in ("lengths=2q9_3q1s20_q0s7_q1s0,kv=paged:4,sinks=true,causal=true,lse=true",
                     "lengths=q5s9_q0s4_q30,sinks=true,window_left=3", "seq_q=9,seq_kv=33,kv=paged:1,softcap=5"):
            for options in ((), ("--in-process",)):
                with self.subTest(more, options=options):
                    self.assert_ok(self.check(RAGGED, "ragged/*", f"heads_q=4,heads_kv=2,dtype=bf16,{more}", *options))

    def test_version_2_is_used_where_both_are_exported(self):
        self.assertIn("tables of version 2", self.assert_ok(run("--plugin", TABLE, "list", "--family", "table")))

    def test_a_plan_is_made_before_the_launches(self):
        for options in ((), ("--in-process",)):
            self.assert_ok(self.check(TABLE, PLAN, ONE_KEY, *options))
        result = run("--plugin", TABLE, "--variants", PLAN, "--device", "cpu", "--budget", "0.2", "--problem", ONE_KEY,
                     "--problem", "heads_q=2,seq_q=4,seq_kv=1,head_dim=64")
        self.assert_ok(result)

    def test_a_plan_is_made_anew_for_each_problem_of_a_diagnosis(self):
        self.assert_ok(run("--plugin", TABLE, "diagnose", PLAN, "--device", "cpu", "--problem", ONE_KEY))

    def test_what_is_not_declared_is_refused_without_asking_the_plugin(self):
        refused = ((PLAIN, "causal=true", "causal = true"), (CAUSAL, "window_left=2", "window_left = 2"),
                   (CAUSAL, "softcap=3", "softcap = 3"), (CAUSAL, "lse=true", "lse = true"),
                   (PLAIN, "kv=paged:4", "kv = paged:4"), (PLAIN, "sinks=true", "sinks = true"),
                   (SINKS, "sinks=true,mask=chunk,chunk=4", "mask = chunk"), (SINKS, "head_dim_v=32", "head_dim_v = 32"))
        for variant, more, reason in refused:
            for options in ((), ("--in-process",)):
                with self.subTest(variant=variant, more=more, options=options):
                    result = run("--plugin", TABLE, *options, "--variants", variant, "--device", "cpu", "--dry-run", "--problem",
                                 f"{ONE_KEY},{more}")
                    self.assert_error(result, USAGE, f"the family does not support {reason}")
        for variant, more in ((CAUSAL, "causal=true"), (SINKS, "sinks=true"), (SINKS, "mask=bits")):
            self.assert_ok(run("--plugin", TABLE, "--variants", variant, "--device", "cpu", "--dry-run", "--problem",
                               f"{ONE_KEY},{more}"))

    def test_ragged_problems_are_only_for_version_2(self):
        problem = "lengths=2q4_1q1s5,heads_q=4,heads_kv=2,dtype=bf16,kv=paged:4"
        self.assert_error(run("--plugin", VERSION1, "--variants", "example/bf16_d64_kv32", "--device", "cpu", "--dry-run",
                              "--problem", problem), USAGE, "the family does not support lengths = 2q4_q1s5")
        self.assert_ok(run("--plugin", RAGGED, "--variants", "ragged/bf16_d64", "--device", "cpu", "--dry-run", "--problem",
                           problem))
        self.assert_ok(self.check(VERSION1, "example/bf16_d64*", "heads_q=2,seq_q=9,seq_kv=13,dtype=bf16,causal=true"))

    def test_its_own_reason_comes_after_the_capabilities(self):
        self.assert_error(run("--plugin", TABLE, "--variants", PLAIN, "--device", "cpu", "--dry-run", "--problem", "seq_q=8"),
                          USAGE, "the table plug-in has one key")

    def test_tables_of_other_minor_versions(self):
        for fault in ("older", "later"):
            with self.subTest(fault):
                self.assert_ok(self.check(TABLE, PLAIN, ONE_KEY, FAULT=fault))
        self.assert_ok(self.check(TABLE, PLAN, ONE_KEY, FAULT="later"))
        self.assertEqual(self.check(TABLE, PLAN, ONE_KEY, FAULT="older").returncode, 4)  # its table has no plan()

    def test_wrong_tables(self):
        for fault, reason in {"null": "flashcore_plugin_v2 returned no table", "no_size": "struct_size is 0, but must be",
                              "variant_size": "variants[0]: struct_size is 4", "mixed_sizes": "variants[1]: struct_size is 64",
                              "half_plan": "plan is set, but plan_bytes is null", "launch": "launch is null",
                              "many_variants": "num_variants is 100000, the limit is 4096",
                              "dtype": "variants[1]: dtype 3"}.items():
            with self.subTest(fault):
                self.assert_error(run("--plugin", TABLE, "list", FAULT=fault), USAGE, "--plugin", reason)


if __name__ == "__main__":
    unittest.main()
