"""scripts/ci/gate.sh in other repositories: of a plug-in, and of a kernel of Python."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import junitparser

from bench import BENCH, SOURCE, BenchTest, environment

sys.path.insert(0, str(SOURCE / "scripts"))
from proof.bisection import BUILD, PROBLEM, PlantedRepository  # noqa: E402  (found through the path above)

GATE = SOURCE / "scripts" / "ci" / "gate.sh"
PACKAGE = os.environ.get("FLASHCORE_PYTHON_DIR", "")
OK, REGRESSION, USAGE, CANNOT_TELL = 0, 1, 2, 3

KERNEL = """import numpy
import flashcore_bench as fc

@fc.kernel(framework="numpy")
def mine(q, k, v, out, scale, causal):
    for _ in range(1):
        scores = q.astype(numpy.float32) @ k.astype(numpy.float32).swapaxes(-1, -2) * scale
        weights = numpy.exp(scores - scores.max(-1, keepdims=True))
        out[...] = weights / weights.sum(-1, keepdims=True) @ v.astype(numpy.float32)
"""


class ForeignGate(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.repository = PlantedRepository(SOURCE, self.folder / "repository", commits=1, slow=1, every=1, more=3)

    def gate(self, *arguments, runs=1):
        """Runs in a folder below the repository's top."""
        place = self.repository.folder / "deeper"
        place.mkdir(exist_ok=True)
        return subprocess.run([GATE, *arguments, "--runs", str(runs)], cwd=place, text=True, capture_output=True, timeout=300,
                              check=False,
                              env=environment(FLASHCORE_BENCH=BENCH, PYTHON=sys.executable, PYTHONPATH=PACKAGE, OMP_NUM_THREADS=1,
                                              XDG_DATA_HOME=self.folder / "data"))

    def rows(self):
        built = self.repository.folder / "build" / "gate"
        self.assertTrue((built / "report.md").read_text().startswith("### "))
        self.assertEqual(len(list(junitparser.JUnitXml.fromstring((built / "junit.xml").read_bytes()))), 1)
        return {row["variant"]: row for row in json.loads((built / "comparison.json").read_text())["rows"]}

    def assert_slower(self, result, variant):
        """Several times as slow, so that a busy machine may keep the gate from telling, but not from measuring it."""
        self.assertIn(result.returncode, (REGRESSION, CANNOT_TELL), result.stderr + result.stdout)
        rows = self.rows()
        self.assertEqual(list(rows), [variant])
        self.assertGreater(rows[variant]["new_us"], 1.5 * rows[variant]["base_us"])
        self.assertIn(rows[variant]["verdict"], ("slower", "unclear"))

    def test_a_plug_in_that_became_slower_is_a_regression(self):
        options = ("--build", BUILD, "--plugin", "./libkernel.so", "--device", "cpu", "--problem", PROBLEM, "--variants",
                   "example/*_kv32", "--budget", "2")
        self.assert_slower(self.gate(self.repository.hashes[0], *options), "example/bf16_d64_kv32")

    def test_a_config_of_the_repository_may_name_the_plug_in(self):
        config = {"plugins": "libkernel.so", "variants": ["example/*_kv32"], "device": "cpu", "measure": {"budget_s": 2},
                  "problems": [{"heads_q": 2, "seq_q": 64, "head_dim": 64, "dtype": "bf16"}]}
        (self.repository.folder / "gate.json").write_text(json.dumps(config))
        self.repository.git("add", ".")
        self.repository.git("commit", "--quiet", "--message", "a config")
        result = self.gate("HEAD", "--build", BUILD, "--config", "gate.json")
        self.assertIn(result.returncode, (OK, CANNOT_TELL), result.stderr + result.stdout)
        self.assertEqual(list(self.rows()), ["example/bf16_d64_kv32"])

    @unittest.skipUnless(PACKAGE, "the Python module was not built")
    def test_mistakes_on_the_command_line_of_the_package(self):
        (self.folder / "mine.py").write_text(KERNEL)
        for words, part in ((("mine:mine",), "--problem"), (("mine", "--problem", "seq_q=8"), "must be MODULE:NAME"),
                            (("none:mine", "--problem", "seq_q=8"), "none cannot be imported"),
                            (("mine:none", "--problem", "seq_q=8"), "mine has no none"),
                            (("mine:mine", "--problem", "sed_q=8"), "did you mean seq_q")):
            with self.subTest(words):
                result = subprocess.run([sys.executable, "-m", "flashcore_bench", *words], cwd=self.folder, text=True,
                                        capture_output=True, check=False, env=environment(PYTHONPATH=PACKAGE))
                self.assertEqual(result.returncode, USAGE, result.stderr)
                self.assertIn(part, result.stderr)

    @unittest.skipUnless(PACKAGE, "the Python module was not built")
    def test_a_kernel_of_python_that_became_slower_is_a_regression(self):
        kernel = self.repository.folder / "mykernels.py"
        kernel.write_text(KERNEL)
        self.repository.git("add", ".")
        self.repository.git("commit", "--quiet", "--message", "a kernel")
        kernel.write_text(KERNEL.replace("range(1)", "range(8)"))  # what is gated need not be committed
        result = self.gate("HEAD", "--kernel", "mykernels:mine", "--problem", "heads_q=2,seq_q=128,head_dim=64", "--budget", "2")
        self.assert_slower(result, "mine/fp16_d64")

    def test_mistakes(self):
        for arguments, part in (((), "expected BASE"), (("--build", "true"), "expected BASE"),
                                (("HEAD", "--build"), "--build: needs a value"),
                                (("none", "--build", "true"), "BASE: none is no commit"),
                                (("HEAD", "--build", "true", "--policy", "none.json"), "--policy"),
                                (("HEAD", "--build", "true", "--runs", "x"), "--runs")):
            with self.subTest(arguments):
                result = subprocess.run([GATE, *arguments], cwd=self.repository.folder, capture_output=True, text=True,
                                        check=False)
                self.assertEqual(result.returncode, USAGE, result.stderr)
                self.assertIn(f"error: {part}", result.stderr)
                self.assertIn("gate.sh origin/main --kernel", result.stderr)
        self.assertNotIn(self.gate("HEAD", "--build", "false").returncode, (OK, REGRESSION, CANNOT_TELL))


if __name__ == "__main__":
    unittest.main()
