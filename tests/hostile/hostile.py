"""What the attacks share: the program, and results that take no time to make."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.environ.get("FLASHCORE_E2E_DIR", str(pathlib.Path(__file__).parents[1] / "e2e")))

from bench import BENCH, TINY, BenchTest, environment, run  # noqa: E402

OK, WRONG, USAGE, CANNOT_TELL, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 4, 130

VARIANT = "cpu_scalar/fp16_d64"
QUICK = ("--device", "cpu", "--problem", TINY, "--variants", VARIANT, "--budget", "0.05", "--quiet")
ONE_THREAD = {"OMP_NUM_THREADS": 1}

PROBLEM = {"name": "p", "batch": 1, "heads_q": 1, "heads_kv": 1, "seq_q": 8, "seq_kv": 8, "head_dim": 64,
           "dtype": "fp16"}


def record(median=1.0, name="p", family="cpu_scalar", **fields):
    samples = [median * (1 + 0.001 * i) for i in range(-5, 6)]
    timing = {"median": median, "p10": samples[0], "p90": samples[-1], "ci95": [samples[1], samples[-2]],
              "n": len(samples), "samples": samples}
    return {"problem": {**PROBLEM, "name": name}, "variant": f"{family}/fp16_d64", "family": family, "backend": "cpu",
            "spec": {"dtype": "fp16", "head_dim": 64}, "status": "ok", "timing": {"hot_us": timing}, **fields}


def results(*records, environment=None):
    return {"schema_version": 1, "environment": environment or {}, "config": {}, "records": list(records)}


def table_entry(median=1.0, variant=VARIANT, tuned_at="2026-01-01T00:00:00Z"):
    tuned = {"variant": variant, "median_us": median, "ci95_us": [0.9, 1.1], "samples": 9}
    return {"problem": PROBLEM, "fingerprint": {"backend": "cpu", "device": "Abacus"}, "tuned_at": tuned_at,
            "clock": "hot", "winner": tuned, "ties": []}


def table(*entries):
    return {"schema_version": 1, "tuned_table": list(entries)}


class HostileTest(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_here(self, *arguments, **options):
        return run(*arguments, cwd=self.folder, **{**ONE_THREAD, **options})

    def start(self, *arguments, **options):
        return subprocess.Popen([BENCH, *map(str, arguments)], cwd=self.folder, env=environment(**ONE_THREAD),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def assert_refused(self, result, kept, *parts, code=USAGE):
        """An error, and files with the content that they had."""
        self.assert_error(result, code, *parts)
        for path, content in kept.items():
            self.assertEqual(path.read_bytes(), content)

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())
