"""Model presets, recorded calls and traces, on the CPU: from the flag to the results."""

import importlib.util
import json
import pathlib
import tempfile
import unittest

from bench import SOURCE, BenchTest, run, schema_validator

MODELS = sorted((SOURCE / "configs" / "models").glob("*.json"))


def recorder_module():
    """The recorder without the package: it needs neither the extension nor PyTorch."""
    spec = importlib.util.spec_from_file_location("recorder", SOURCE / "python/flashcore_bench/recorder.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tensor:
    """What the recorder uses of a tensor."""

    def __init__(self, values):
        self.values = values

    def tolist(self):
        return self.values


class Models(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def plan(self, *flags):
        result = run("--device", "cpu", "--dry-run", "--json", *flags)
        self.assert_ok(result)
        return json.loads(result.stdout)

    def test_presets_are_valid(self):
        validator = schema_validator("model.schema.json")
        self.assertGreaterEqual(len(MODELS), 15)
        for path in MODELS:
            with self.subTest(path=path.name):
                validator.validate(json.loads(path.read_text()))

    def test_info_lists_the_presets(self):
        info = json.loads(run("info", "--json").stdout)
        self.assertEqual(info["models"], [path.stem for path in MODELS])
        self.assertIn("llama-3.1-8b", run("info").stdout)

    def test_a_model_runs(self):
        self.assert_ok(run("--model", "llama-3.1-8b", "--phase", "decode", "--batch", "2", "--context", "64",
                           "--device", "cpu", "--variants", "cpu_scalar/*", "--budget", "1", "--output", self.folder / "out"))
        result = json.loads((self.folder / "out.json").read_text())
        [record] = result["records"]
        self.assertEqual(record["status"], "ok")
        self.assertEqual(record["problem"]["name"], "llama-3.1-8b-decode-b2-64")
        self.assertEqual(record["problem"]["weight"], 32)
        self.assertEqual(result["config"]["name"], "llama-3.1-8b")
        schema_validator("result.schema.json").validate(result)
        schema_validator("config.schema.json").validate(result["config"])

    def test_a_model_is_tuned(self):
        self.assert_ok(run("tune", "--model", "gpt-oss-20b", "--batch", "1", "--context", "1k", "--device", "cpu",
                           "--variants", "cpu_fused/*", "--max-candidates", "2", "--budget", "1", "--output",
                           self.folder / "tuned"))
        table = json.loads((self.folder / "tuned.json").read_text())
        self.assertEqual([entry["problem"]["weight"] for entry in table["tuned_table"]], [12, 12])

    def test_a_path_is_a_model(self):
        path = self.folder / "mine.json"
        path.write_text(json.dumps({"description": "d", "source": "s", "max_context": 100, "layers": {"kind": "a", "count": 3},
                                    "attention": {"heads_q": 4, "heads_kv": 2, "head_dim": 64, "causal": True}}))
        [entry] = self.plan("--model", path)["problems"]
        self.assertEqual(entry["problem"]["name"], "mine-decode-b8-100")
        self.assertEqual(entry["problem"]["weight"], 3)

    def test_wrong_flags_are_named(self):
        for flags, error in (
                (("--model", "llama-3.1-70b", "--tp", "3"), "--tp: 3 does not divide the 64 query heads of llama-3.1-70b"),
                (("--model", "phi-4", "--config", "l4"), "--model: cannot be combined with --config"),
                (("--model", "phi-4", "--problem", "seq_q=1"), "--model: cannot be combined with --problem"),
                (("--batch", "3"), "--batch: needs --model"),
                (("--trace", "a"), "--trace: needs --model")):
            for command in ((), ("tune",)):
                with self.subTest(flags=flags, command=command):
                    result = run(*command, *flags, "--dry-run")
                    self.assertEqual(result.returncode, 2)
                    self.assertIn(error, result.stderr)

    def test_what_is_recorded_is_read(self):
        calls = self.folder / "calls.jsonl"
        with recorder_module().CallRecorder(calls) as recorder:
            recorder.record(cu_seqlens_q=[0, 1, 513], seqused_k=Tensor([300, 4096]))
            recorder.record(kv=[20, 30])
        with recorder_module().CallRecorder(calls) as recorder:  # appends
            recorder.record(cu_seqlens_q=Tensor([0, 7]), cu_seqlens_k=Tensor([0, 9]))
        lines = [json.loads(line) for line in calls.read_text().splitlines()]
        self.assertEqual(lines, [{"q": [1, 512], "kv": [300, 4096]}, {"q": [1, 1], "kv": [20, 30]}, {"q": [7], "kv": [9]}])
        problems = [entry["problem"] for entry in self.plan("--model", "llama-3.1-8b", "--trace", calls)["problems"]]
        self.assertEqual(sorted(problem["lengths"] for problem in problems), ["q1s20_q1s30", "q1s300_q512s4k", "q7s9"])
        self.assertEqual({problem["weight"] for problem in problems}, {32})

    def test_wrong_calls_are_refused(self):
        with recorder_module().CallRecorder(self.folder / "calls.jsonl") as recorder:
            for wrong in ({}, {"q": [1]}, {"q": [1], "kv": [1, 2]}, {"kv": [-1]}, {"kv": []}):
                with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                    recorder.record(**wrong)
        self.assertEqual((self.folder / "calls.jsonl").read_text(), "")

    def test_many_calls_become_few_problems_with_a_summary(self):
        calls = self.folder / "calls.jsonl"
        with calls.open("w") as file:
            for step in range(2000):
                kv = [1 + (step * 7919 + 104729 * i) % 3000 for i in range(1 + step % 17)]
                file.write(json.dumps({"q": [1] * len(kv), "kv": kv}) + "\n")
        plan = self.plan("--model", "llama-3.1-8b", "--trace", calls, "--bins", "16")
        self.assertEqual(len(plan["problems"]), 16)
        for share in ("calls", "bytes", "time"):
            self.assertAlmostEqual(sum(entry["shares"][share] for entry in plan["problems"]), 1)
        self.assertAlmostEqual(sum(entry["problem"]["weight"] for entry in plan["problems"]) / (32 * 2000), 1, places=1)
        text = run("--model", "llama-3.1-8b", "--trace", calls, "--bins", "2", "--device", "cpu", "--dry-run").stdout
        self.assertRegex(text, r"llama-3.1-8b-trace-bin01 .* % +\d+ of 2000 calls: calls calls.jsonl, line \d+")


if __name__ == "__main__":
    unittest.main()
