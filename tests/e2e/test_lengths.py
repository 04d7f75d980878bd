"""Lengths of ragged batches from distributions, recorded calls and traces, on the CPU."""

import json
import pathlib
import tempfile
import unittest

from bench import BenchTest, run, schema_validator

CALLS = """\
{"q": [1, 1, 5], "kv": [30, 20, 81]}
{"q": [3], "kv": [3]}
{"q": [1, 1, 5], "kv": [30, 20, 81]}
"""

TRACE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,48,3
2023-11-16 18:17:04.0319600,31,2
2023-11-16 18:17:05.0319600,70,4
"""

SCHEDULER = {"token_budget": 64, "max_sequences": 2, "chunk": 32, "prefix_hits": 0.0, "seed": 0}

PROBLEMS = [
    {"name": "calls", "lengths": {"calls": "data/calls.jsonl"}, "heads_q": 2, "causal": True},
    {"name": "trace", "lengths": {"trace": "data/azure.csv", "scheduler": SCHEDULER, "steps": 3, "every": 2},
     "heads_q": 2, "kv": {"layout": "paged", "page_size": 16}},
    {"name": "drawn", "heads_q": 2, "sinks": True,
     "lengths": {"distribution": "zipf", "sequences": 3, "seed": 1, "kv": {"max": 50}, "q": 1}},
]


class Lengths(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "data").mkdir()
        (self.folder / "elsewhere").mkdir()
        (self.folder / "data/calls.jsonl").write_text(CALLS)
        (self.folder / "data/azure.csv").write_text(TRACE)

    def check(self, config, *flags):
        """Runs a config from another folder: its paths are from its own."""
        path = self.folder / "config.json"
        path.write_text(json.dumps({"variants": "cpu_scalar/fp16_*", "device": "cpu", **config}))
        return run("--config", path, "--check-only", "--output", self.folder / "out", *flags,
                   cwd=self.folder / "elsewhere")

    def results(self):
        return json.loads((self.folder / "out.json").read_text())

    def test_calls_and_steps_are_problems_with_their_source(self):
        self.assert_ok(self.check({"problems": PROBLEMS}))
        records = self.results()["records"]
        self.assertEqual({record["status"] for record in records}, {"ok"})
        problems = {record["problem"]["name"]: record["problem"] for record in records}
        self.assertEqual(list(problems), ["calls_call0001", "calls_call0002", "trace_step0000", "trace_step0002",
                                          "trace_step0004", "drawn"])
        self.assertEqual(problems["calls_call0001"]["source"], "calls calls.jsonl, lines 1, 3")
        self.assertEqual(problems["calls_call0001"]["lengths"], "q1s30_q1s20_q5s81")
        self.assertEqual(problems["trace_step0002"]["lengths"], "q1s49_q32")
        self.assertEqual(problems["trace_step0002"]["source"],
                         "trace azure.csv, step 2, scheduler token_budget 64, max_sequences 2, chunk 32, prefix_hits 0, seed 0")
        self.assertEqual(problems["drawn"]["source"], "zipf, 3 sequences, seed 1, kv exponent 1 min 1 max 50, q 1")

    def test_the_schema_knows_these_forms(self):
        validator = schema_validator("config.schema.json")
        validator.validate({"problems": PROBLEMS})
        self.assert_ok(self.check({"problems": PROBLEMS}))
        validator.validate(self.results()["config"])
        schema_validator("result.schema.json").validate(self.results())

    def test_the_config_of_a_result_file_needs_no_other_file(self):
        self.assert_ok(self.check({"problems": PROBLEMS}))
        first = self.results()
        (self.folder / "data/calls.jsonl").unlink()
        (self.folder / "data/azure.csv").unlink()
        self.assert_ok(self.check(first["config"], "--force"))
        self.assertEqual([record["problem"] for record in self.results()["records"]],
                         [record["problem"] for record in first["records"]])

    def test_errors_name_the_key_the_file_and_the_line(self):
        (self.folder / "data/azure.csv").write_text(TRACE + "2023-11-16,1\n")
        self.assert_error(self.check({"problems": PROBLEMS}), 2, "/problems/1/lengths/trace: ",
                          "data/azure.csv:5: has 2 cells, but the header has 3")

    def test_a_file_that_is_no_text(self):
        (self.folder / "data/calls.jsonl").write_bytes(bytes(range(256)) * 20)
        self.assert_error(self.check({"problems": PROBLEMS}), 2, "data/calls.jsonl:1: has a control character")


if __name__ == "__main__":
    unittest.main()
