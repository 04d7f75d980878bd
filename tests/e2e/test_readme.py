"""The generated blocks of README.md are up to date, and the script that writes them notices when one is not."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])
sys.path.insert(0, str(SOURCE / "scripts"))

import readme_tables  # noqa: E402  (found through the path above)


def tables(readme, *options):
    command = [sys.executable, SOURCE / "scripts/readme_tables.py", "--readme", readme, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def record(family, tile, hot_us, status="ok"):
    problem = {"name": "seed", "batch": 1, "heads_q": 8, "heads_kv": 8, "seq_q": 512, "seq_kv": 512,
               "head_dim": 64, "dtype": "fp16"}
    return {"problem": problem, "variant": f"{family}/fp16_d64_{tile}", "family": family, "status": status,
            "check": {"rel_l2": 2.5e-4}, "timing": {"hot_us": {"median": hot_us}}, "tflops": 536.870912 / hot_us}


class ReadmeTest(unittest.TestCase):
    def test_readme_is_up_to_date(self):
        result = tables(SOURCE / "README.md", "--check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_block_changed_by_hand_is_stale(self):
        with tempfile.TemporaryDirectory() as folder:
            readme = pathlib.Path(folder) / "README.md"
            readme.write_text("<!-- generated: text configs/default.json -->\nby hand\n<!-- end -->\n")
            self.assertEqual(tables(readme, "--check").returncode, 1)
            self.assertIn("by hand", readme.read_text())
            self.assertEqual(tables(readme).returncode, 0)
            self.assertIn('"name": "default"', readme.read_text())
            self.assertEqual(tables(readme, "--check").returncode, 0)

    def test_ladder_has_the_best_right_variant_of_each_family(self):
        records = [record("scalar", "q4", 300.0), record("scalar", "q8", 400.0), record("wmma", "q32", 60.0),
                   record("wmma", "q64", 10.0, status="incorrect"), record("wmma", "q16", 75.0)]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "ladder.json"
            path.write_text(json.dumps({"environment": {"device": {"name": "card"}}, "records": records}))
            rows = [line for line in readme_tables.ladder(path, "ladder.json").splitlines() if "`" in line]
        self.assertEqual([row.split("`")[1] for row in rows], ["scalar/fp16_d64_q4", "wmma/fp16_d64_q32"])
        self.assertEqual(rows[1], "| `wmma/fp16_d64_q32` | 60.0 | – | – | 8.95 | 5.00× | 2.5e-04 | – |")

    def test_peers_stand_beside_the_best_variant(self):
        records = [record("mma", "q32", 8.0), record("wgmma", "q64", 5.0), record("peer_a", "x", 10.0),
                   record("peer_b", "x", 20.0)]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "peers.json"
            path.write_text(json.dumps({"environment": {}, "records": records}))
            lines = readme_tables.peers(path, "peers.json").splitlines()
        self.assertIn("| seed | `wgmma/fp16_d64_q64` | 5.00 | 10.0 | 20.0 | 2.00× |", lines)
        self.assertIn("over the 1 problems is 2.00×", lines[-1] + lines[-2])

    def test_repeats_compare_within_a_run_and_between_runs(self):
        def run(*times):
            return {"environment": {}, "records": [record("mma", "q32", time) for time in times]}

        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / name for name in ("a.json", "b.json")]
            for path, document in zip(paths, (run(100.0, 100.5), run(103.0, 100.0))):
                path.write_text(json.dumps(document))
            lines = [line for line in readme_tables.repeats(paths, ["a.json", "b.json"]).splitlines() if "100" in line or "0.0 %" in line]
        self.assertEqual([line.split(" | ")[2] for line in lines], ["100.0 % (±1 %)", "0.0 % (±1 %)", "0.0 % (±2 %)"])

    def test_numbers_keep_three_significant_digits(self):
        for value, text in ((1398.4, "1398"), (44.25, "44.2"), (0.01234, "0.0123"), (0, "0"), (None, "–")):
            self.assertEqual(readme_tables.number(value), text)


if __name__ == "__main__":
    unittest.main()
