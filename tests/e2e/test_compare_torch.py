"""scripts/compare_torch.py without PyTorch: its problems, statistics and records are the program's, its turns are
fair; and with PyTorch, where there is one: a whole comparison on the CPU."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

from bench import SOURCE, BenchTest, run

sys.path.insert(0, str(SOURCE / "scripts"))

import records  # noqa: E402  (found through the path above)
from torch_peers import library, measure, problems, results, statistics  # noqa: E402  (found through the path above)
import compare_torch  # noqa: E402
from torch_peers.library import HOST, Library  # noqa: E402

SCRIPT = SOURCE / "scripts" / "compare_torch.py"
SCHEMA = json.loads((SOURCE / "configs" / "schema" / "result.schema.json").read_text())
HAS_TORCH = importlib.util.find_spec("torch") is not None


def compare(*arguments, env=None):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False,
                          env={**os.environ, **(env or {})})


class SameDefinitions(BenchTest):
    CONFIG = {"problems": [{"name": "a", "heads_q": 4, "heads_kv": [1, 2], "seq_q": [16, 33], "causal": [False, True]},
                           {"batch": 2, "seq_q": 5, "seq_kv": 9, "head_dim": 128, "causal": True, "dtype": "bf16"},
                           {"seq_q": 7, "seq_kv": 19, "window_left": 3, "window_right": [-1, 2], "softcap": 2.5},
                           {"seq_q": 6, "window_right": 0, "scale": 0.25, "lse": True, "layout": "bshd"},
                           {"name": "b", "seq_q": 8, "lse": [False, True], "softcap": [0, 30], "scale": [-1, 0.5]}],
              "variants": "cpu_scalar/*", "report": {"formats": "json"}, "measure": {"budget_s": 0.5, "min_samples": 3, "max_samples": 8},
              "check": {"enabled": False}}

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            result = run("--config", "-", "--device", "cpu", "--output", path, stdin=json.dumps(cls.CONFIG))
            if result.returncode != 0:
                raise AssertionError(result.stderr)
            cls.file = json.loads(path.read_text())
        cls.timed = [record for record in cls.file["records"] if "timing" in record]

    def test_every_problem_was_timed(self):
        self.assertEqual(len({record["problem"]["name"] for record in self.timed}), 20)

    def test_problems_expand_as_the_programs_do(self):
        ours = problems.select_problems(self.CONFIG, [])
        theirs = {record["problem"]["name"]: record["problem"] for record in self.file["records"]}
        self.assertEqual([problem.name for problem in ours], list(theirs))
        for problem in ours:
            self.assertEqual(problem.to_json(), {**theirs[problem.name], "scale": problem.scale})
            self.assertAlmostEqual(problem.scale, theirs[problem.name]["scale"])

    def test_fields_are_those_of_records(self):
        schema = SCHEMA["definitions"]["problem"]["properties"]
        self.assertEqual([field.name for field in dataclasses.fields(problems.Problem)], list(schema))
        for name, field in problems.FIELDS.items():
            self.assertEqual(list(field.words), schema[name].get("enum", []), name)
        self.assertEqual(list(library.DTYPES), schema["dtype"]["enum"])  # their order is that of the C interface

    def test_defaults_are_the_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            config = {"problems": {}, "variants": "cpu_scalar/*", "measure": {"clocks": []}}
            self.assert_ok(run("--config", "-", "--device", "cpu", "--output", path, stdin=json.dumps(config)))
            theirs = json.loads(path.read_text())["records"][0]["problem"]
        [problem] = problems.select_problems(config, [])
        self.assertEqual(problem.to_json(), theirs)

    def test_a_stated_output_dtype_is_no_other_problem(self):
        config = {"problems": {"dtype": ["fp16", "bf16"], "out_dtype": "bf16"}}
        with self.assertRaisesRegex(problems.UsageError, "/problems/0/out_dtype: is bf16, but O of fp16"):
            problems.select_problems(config, [])
        config["problems"]["dtype"] = "bf16"
        [problem] = problems.select_problems(config, [])
        self.assertEqual(problem.name, "b1_hq1_hkv1_q1_kv1_d64_bf16")
        self.assertNotIn("out_dtype", problem.to_json())

    def test_what_pytorch_is_not_given_is_refused(self):
        for entry, message in (({"dtype": ["fp16", "e4m3"], "out_dtype": "fp16"}, "/problems/0/dtype: .*e4m3"),
                               ({"mask": "bits"}, "/problems/0/mask: bits is not compared"),
                               ({"head_dim_v": 32}, "/problems/0/head_dim_v: 32 is not compared"),
                               ({"layout": ["bhsd", "padded"]}, "/problems/0/layout: padded"),
                               ({"layout": "sbhd"}, "/problems/0/layout: sbhd is none of: bhsd, bshd, padded"),
                               ({"sed_q": 1}, "/problems/0/sed_q: unknown key")):
            with self.assertRaisesRegex(problems.UsageError, message):
                problems.select_problems({"problems": entry}, [])

    def test_flops_and_rates(self):
        by_name = {problem.name: problem for problem in problems.select_problems(self.CONFIG, [])}
        for record in self.timed:
            mine = {"timing": record["timing"]}
            results.add_rate(mine, by_name[record["problem"]["name"]].flops())
            self.assertAlmostEqual(mine["tflops"] / record["tflops"], 1, places=9)

    def test_statistics(self):
        for record in self.timed:
            for timing in record["timing"].values():
                mine = statistics.make_timing(timing["samples"])
                for key in ("median", "p10", "p90"):
                    self.assertAlmostEqual(mine[key], timing[key], places=9)
                self.assertEqual(mine["ci95"], timing["ci95"])

    def test_config_hash(self):
        self.assertEqual(results.config_hash(self.file["config"]), self.file["environment"]["config_hash"])

    def test_peers_config_is_the_default(self):
        chosen = problems.select_problems(problems.load_config("peers"), ["fa_s512*", "decode_*"])
        self.assertEqual(len(chosen), 6)
        self.assertEqual(chosen[-1].heads_kv, 8)


class Roles(unittest.TestCase):
    def test_a_record_states_its_role_or_its_family_implies_it(self):
        self.assertEqual(records.role({"family": "mma"}), "ladder")
        self.assertEqual(records.role({"family": "peer_fa3"}), "peer")
        self.assertEqual(records.role({"family": "mine", "role": "plugin"}), "plugin")
        self.assertEqual(records.role({"family": "peer_mine", "role": "plugin"}), "plugin")

    def test_roles_are_the_schemas(self):
        roles = SCHEMA["definitions"]["record"]["properties"]["role"]["enum"]
        self.assertEqual({records.role({"family": family}) for family in ("mma", "peer_fa3")}, set(roles) - {"plugin"})

    def test_only_failures_of_others_are_forgiven(self):
        def code(status, **record):
            return compare_torch.exit_code([{"status": status, **record}])
        self.assertEqual(code("error", family="peer_fa3"), 0)
        self.assertEqual(code("error", family="mma"), 4)
        self.assertEqual(code("error", family="theirs", role="peer"), 0)
        self.assertEqual(code("incorrect", family="peer_fa3"), 1)


class Files(unittest.TestCase):
    def test_records_fit_the_schema(self):
        problem = problems.Problem(name="p", seq_q=4, seq_kv=4, scale=0.125)
        record = results.peer_record(problem, "peer_torch_flash", "cuda")
        record["timing"] = {"hot_us": statistics.make_timing([3.0, 1.0, 2.0])}
        record["check"] = {"max_abs": float("nan"), "mean_abs": 0.0, "rel_l2": float("inf"), "nonfinite": 1,
                           "limit": {"max_abs": 1.0, "rel_l2": 1.0}, "yardstick": {"max_abs": 1.0, "rel_l2": 1.0},
                           "passed": False}
        refused = results.peer_record(problem, "peer_fa3", "cuda")
        results.fail(refused, "unsupported", "not installed")
        environment = Library(os.environ["FLASHCORE_LIBRARY"]).environment(HOST)
        environment = results.make_environment(environment, {"version": "2"}, ["x"], {})
        with tempfile.TemporaryDirectory() as folder:
            file = results.ResultFile(pathlib.Path(folder) / "new" / "r.json", environment, {})
            self.check(file, 0)
            file.add([record])
            file.add([refused])
            self.check(file, 2)
            self.assertEqual([path.name for path in file.path.parent.iterdir()], ["r.json"])

    def check(self, file, records):
        content = json.loads(file.path.read_text())
        jsonschema.Draft7Validator(SCHEMA).validate(content)
        self.assertEqual(len(content["records"]), records)


class Scripted:
    """A contender whose samples come from a list, on a clock that its samples drive."""

    now = 0.0
    calls = []

    def __init__(self, name, us, fails_at=None):
        self.record = {"status": "ok", "variant": name}
        self.us = us
        self.fails_at = fails_at
        self.taken = 0

    def sample(self, clock):
        self.taken += 1
        if self.taken == self.fails_at:
            raise RuntimeError("launch failed\nwith details")
        Scripted.now += 0.01
        Scripted.calls.append(self.record["variant"])
        return next(self.us)


def steady(us):
    while True:
        yield us


def noisy(low=1.0, high=9.0):
    while True:
        yield from (low, high)


class Turns(unittest.TestCase):
    def setUp(self):
        Scripted.now, Scripted.calls = 0.0, []

    def measure(self, contenders, budget_s=100.0, **policy):
        policy = measure.Policy(**{"clocks": ("hot",), "warmup_s": 0, "min_samples": 5, "max_samples": 40, **policy})
        rested = []
        measure.Measurement(contenders, policy, seed=1, now=lambda: Scripted.now, rest=rested.append).run(budget_s)
        return rested

    def test_rounds_are_interleaved_in_random_order(self):
        self.measure([Scripted(name, noisy()) for name in "abc"], rounds=20)
        rounds = ["".join(Scripted.calls[i:i + 3]) for i in range(3, len(Scripted.calls), 3)]
        self.assertEqual(len(rounds), 20)
        self.assertTrue(all(sorted(order) == list("abc") for order in rounds), rounds)
        self.assertGreater(len(set(rounds)), 2)

    def test_stops_when_narrow_and_at_the_most(self):
        calm, wild = Scripted("calm", steady(2.0)), Scripted("wild", noisy())
        self.measure([calm, wild])
        self.assertEqual(calm.record["timing"]["hot_us"]["n"], 5)
        self.assertEqual(wild.record["timing"]["hot_us"]["n"], 40)

    def test_what_is_compared_shares_its_rounds(self):
        calm, wild, far = Scripted("calm", steady(2.0)), Scripted("wild", noisy(1.9, 2.1)), Scripted("far", steady(4.0))
        self.measure([calm, wild, far])
        self.assertEqual([it.record["timing"]["hot_us"]["n"] for it in (calm, wild, far)], [40, 40, 5])

    def test_budget_ends_rounds_after_the_fewest(self):
        wild = Scripted("wild", noisy())
        self.measure([wild], budget_s=0.001)
        self.assertEqual(wild.record["timing"]["hot_us"]["n"], measure.FEWEST_SAMPLES)

    def test_a_failure_is_its_own_record(self):
        good, bad = Scripted("good", steady(1.0)), Scripted("bad", steady(1.0), fails_at=4)
        self.measure([good, bad], clocks=("hot", "cold"))
        self.assertEqual((bad.record["status"], bad.record["reason"]), ("error", "launch failed"))
        self.assertNotIn("timing", bad.record)
        self.assertEqual(set(good.record["timing"]), {"hot_us", "cold_us"})

    def test_burst_rests(self):
        rested = self.measure([Scripted("a", steady(1.0))], pacing="burst", rounds=3)
        self.assertEqual(len(rested), 4)
        self.assertAlmostEqual(rested[0], 0.09)


class CommandLine(unittest.TestCase):
    def assert_error(self, result, code, *parts):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for part in ("compare_torch: error: ", *parts):
            self.assertIn(part, result.stderr)

    def test_bad_arguments(self):
        self.assert_error(compare("--devcie", "cuda"), 2, "--devcie")
        self.assert_error(compare("--device", "gpu"), 2, "--device: unknown device")
        self.assert_error(compare("--budget", "-1"), 2, "--budget")
        self.assert_error(compare("--config", "no_such"), 2, "--config: no_such", "peers")
        self.assert_error(compare("--problems", "nothing*"), 2, "--problems: nothing*", "seed_b1h8s512d64")

    @unittest.skipIf(HAS_TORCH, "there is a PyTorch")
    def test_no_torch(self):
        self.assert_error(compare(), 4, "PyTorch cannot be imported")

    @unittest.skipUnless(HAS_TORCH, "needs PyTorch")
    def test_no_device_and_no_library(self):
        self.assert_error(compare("--device", "cuda:99"), 4, "--device cuda:99")
        self.assert_error(compare("--device", "cpu", "--library", "/nowhere.so"), 4, "--library: /nowhere.so")

    @unittest.skipUnless(HAS_TORCH, "needs PyTorch")
    def test_whole_comparison_on_the_cpu(self):
        config = {"problems": {"heads_q": 4, "seq_q": 33, "seq_kv": [33, 47], "causal": True}, "variants": "cpu_*",
                  "measure": {"max_samples": 5, "min_samples": 3, "budget_s": 4, "warmup_s": 0}}
        with tempfile.TemporaryDirectory() as folder:
            path, output = pathlib.Path(folder) / "c.json", pathlib.Path(folder) / "r.json"
            path.write_text(json.dumps(config))
            result = compare("--config", path, "--device", "cpu", "--library", os.environ["FLASHCORE_LIBRARY"],
                             "--output", output)
            self.assertEqual(result.returncode, 0, result.stderr)
            content = json.loads(output.read_text())
        jsonschema.Draft7Validator(SCHEMA).validate(content)
        for record in content["records"]:
            aligned = record["problem"]["seq_q"] == record["problem"]["seq_kv"]
            if record["family"].startswith("cpu_") or (record["family"] == "peer_torch_math" and aligned):
                self.assertEqual(record["status"], "ok", record)
                self.assertIn("cold_us", record["timing"])
            if record["family"] == "peer_torch_math" and not aligned:
                self.assertIn("top-left", record["reason"])


if __name__ == "__main__":
    unittest.main()
