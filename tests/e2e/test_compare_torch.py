"""scripts/compare_torch.py: its command line, and with PyTorch, where there is one, a whole comparison on the CPU."""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

from bench import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))

import compare_torch  # noqa: E402  (found through the path above)
import records  # noqa: E402

SCRIPT = SOURCE / "scripts" / "compare_torch.py"
SCHEMA = json.loads((SOURCE / "configs" / "schema" / "result.schema.json").read_text())
LIBRARY = os.environ["FLASHCORE_LIBRARY"]
PACKAGE = os.environ.get("FLASHCORE_PYTHON_DIR", "")
HAS_TORCH = importlib.util.find_spec("torch") is not None


def compare(*arguments, library=LIBRARY):
    return subprocess.run([sys.executable, SCRIPT, "--library", library, *map(str, arguments)], capture_output=True,
                          text=True, check=False)


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
        self.assertEqual(code("suspect", family="peer_fa3"), 1)


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

    def test_a_wrong_value_is_named_by_its_option(self):
        options = argparse.Namespace(variants=[], clocks=["foo"], seed=None)
        self.assertEqual(compare_torch.with_flag('config: /measure/clocks/0: unknown word "foo"', options),
                         '--clocks: unknown word "foo"')
        other = "config: /variants/2: no variant matches"  # the file's own
        self.assertEqual(compare_torch.with_flag(other, options), other)

    def test_no_library(self):
        self.assert_error(compare("--device", "cpu", library="/nowhere.so"), 4, "--library: /nowhere.so")


@unittest.skipUnless(PACKAGE, "the Python module was not built")
class WithPackage(CommandLine):
    CONFIG = {"problems": {"heads_q": 4, "seq_q": 33, "seq_kv": [33, 47], "causal": True}, "variants": "cpu_*",
              "measure": {"max_samples": 5, "min_samples": 3, "budget_s": 4, "warmup_s": 0}}

    def test_unknown_words(self):
        self.assert_error(compare("--problems", "nothing*"), 2, "--problems: nothing*", "seed_b1h8s512d64")
        self.assert_error(compare("--peers", "peer_fa9"), 2, "--peers: peer_fa9 matches none of: peer_torch_flash")

    def test_options_replace_values_of_the_config(self):
        sys.path.insert(0, PACKAGE)
        import flashcore_bench as fc
        options = argparse.Namespace(budget=7, clocks=["hot"], rounds=9, problems=["*kv47*"], variants=["a", "b"], seed=3)
        config = compare_torch.with_options(self.CONFIG, options, fc)
        self.assertEqual([problem["seq_kv"] for problem in config["problems"]], [47])
        self.assertEqual(config["measure"], {"clocks": ["hot"], "max_samples": 9, "min_samples": 9, "budget_s": 7,
                                             "warmup_s": 0})
        self.assertEqual((config["variants"], config["seed"]), (["a", "b"], 3))

    @unittest.skipIf(HAS_TORCH, "there is a PyTorch")
    def test_no_torch(self):
        self.assert_error(compare(), 4, "PyTorch cannot be imported")

    @unittest.skipUnless(HAS_TORCH, "needs PyTorch")
    def test_no_device(self):
        self.assert_error(compare("--device", "cuda:99"), 4, "--device cuda:99")

    @unittest.skipUnless(HAS_TORCH, "needs PyTorch")
    def test_whole_comparison_on_the_cpu(self):
        with tempfile.TemporaryDirectory() as folder:
            path, output = pathlib.Path(folder) / "c.json", pathlib.Path(folder) / "r.json"
            path.write_text(json.dumps(self.CONFIG))
            result = compare("--config", path, "--device", "cpu", "--output", output)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            content = json.loads(output.read_text())
        jsonschema.Draft7Validator(SCHEMA).validate(content)
        self.assertIn("version", content["environment"]["torch"])
        for record in content["records"]:
            aligned = record["problem"]["seq_q"] == record["problem"]["seq_kv"]
            if record["family"].startswith("cpu_") or (record["family"] == "peer_torch_math" and aligned):
                self.assertEqual(record["status"], "ok", record)
                self.assertIn("cold_us", record["timing"])
            if record["family"] == "peer_torch_math" and not aligned:
                self.assertIn("top-left", record["reason"])


if __name__ == "__main__":
    unittest.main()
