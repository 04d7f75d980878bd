"""scripts/readme_tables.py makes the right tables, charts and pages of result files."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])
sys.path.insert(0, str(SOURCE / "scripts"))

from pages import charts, records, schema, tables  # noqa: E402  (found through the path above)


CONFIG = {"measure": {"min_samples": 15, "relative_width": 0.05}}


def record(family, block_q, hot_us, status="ok", samples=15, **problem):
    sizes = {"name": "seed", "batch": 1, "heads_q": 8, "heads_kv": 8, "seq_q": 512, "seq_kv": 512, "head_dim": 64,
             "dtype": "fp16", **problem}
    check = {"max_abs": 1e-3, "mean_abs": 1e-5, "rel_l2": 2.5e-4, "nonfinite": 0, "passed": status == "ok",
             "limit": {"max_abs": 1, "rel_l2": 1}, "yardstick": {"max_abs": 1, "rel_l2": 1}}
    timing = {"median": hot_us, "p10": hot_us, "p90": hot_us, "ci95": [0.99 * hot_us, 1.01 * hot_us], "n": samples,
              "samples": [hot_us] * samples}
    return {"problem": sizes, "variant": f"{family}/fp16_d64_q{block_q}", "family": family, "backend": "cuda",
            "spec": {"dtype": "fp16", "head_dim": 64, "block_q": block_q}, "status": status, "check": check,
            "timing": {"hot_us": timing}, "tflops": 536.870912 / hot_us}


class TablesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.site = records.Site(self.root, "docs/page.md")

    def write(self, file, *found):
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema_version": 1, "environment": {"device": {"name": "card"}}, "config": CONFIG,
                                    "records": found}))
        return file

    def script(self, *options):
        command = [sys.executable, SOURCE / "scripts/readme_tables.py", "--root", self.root, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_a_block_changed_by_hand_is_stale(self):
        readme = self.root / "README.md"
        (self.root / "some.txt").write_text("from the file\n")
        readme.write_text("<!-- generated: text some.txt -->\nby hand\n<!-- end -->\n")
        self.assertEqual(self.script("--check").returncode, 1)
        self.assertIn("by hand", readme.read_text())
        self.assertEqual(self.script().returncode, 0)
        self.assertIn("from the file", readme.read_text())
        self.assertEqual(self.script("--check").returncode, 0)

    def test_a_block_without_its_file_is_an_error(self):
        (self.root / "README.md").write_text("<!-- generated: text no.txt -->\n<!-- end -->\n")
        result = self.script()
        self.assertEqual(result.returncode, 2)
        self.assertIn("no.txt does not exist", result.stderr)

    def test_a_device_gets_a_page_and_loses_it_with_its_results(self):
        self.write("results/card/ladder.json", record("scalar", 4, 300.0), record("mma", 64, 10.0))
        page, chart = self.root / "docs/results/card.md", self.root / "docs/images/card-ladder.svg"
        self.assertEqual(self.script("--check").returncode, 1)
        self.assertEqual(self.script().returncode, 0)
        self.assertIn("`mma/fp16_d64_q64`", page.read_text())
        self.assertIn("(../images/card-ladder.svg)", page.read_text())
        self.assertTrue(chart.read_text().startswith("<svg"))
        shutil.rmtree(self.root / "results/card")
        self.assertEqual(self.script("--check").returncode, 1)
        self.assertEqual(self.script().returncode, 0)
        self.assertFalse(page.exists() or chart.exists())

    def test_runs_of_a_user_are_no_pages(self):
        self.write("results/cpu/default-20260131-120000.json", record("cpu_scalar", 1, 300.0))
        self.assertEqual(self.script("--check").returncode, 0)

    def test_ladder_has_the_best_right_variant_of_each_family(self):
        file = self.write("ladder.json", record("scalar", 4, 300.0), record("scalar", 8, 400.0),
                          record("wmma", 32, 60.0), record("wmma", 64, 10.0, status="incorrect"),
                          record("wmma", 16, 75.0), record("wmma", 16, 1.0, name="other"))
        rows = [line for line in tables.ladder(self.site, [file], ["seed"]) if line.startswith("| `")]
        self.assertEqual(rows, ["| `scalar/fp16_d64_q4` | 300 | 1.0 % | 15 | 1.79 | 1.00× | 2.5e-04 | – |",
                                "| `wmma/fp16_d64_q32` | 60.0 | 1.0 % | 15 | 8.95 | 5.00× | 2.5e-04 | – |"])

    def test_rows_that_fall_short_have_a_sign_that_is_explained_once(self):
        found = [record("scalar", 4, 300.0, samples=14), record("mma", 32, 10.0), record("wmma", 32, 60.0, samples=3)]
        lines = tables.ladder(self.site, [self.write("ladder.json", *found)])
        rows = [line for line in lines if line.startswith("| `")]
        self.assertEqual([line.split(" | ")[3] for line in rows], ["14 ‡", "15", "3 ‡"])
        self.assertEqual([line for line in lines if line.startswith("‡")],
                         ["‡ fewer than 15 samples of one of its times, or an interval wider than 5 %."])
        self.assertNotIn("‡", "".join(tables.ladder(self.site, [self.write("whole.json", found[1])])))

    def test_conclusions_are_the_program_s(self):
        found = [record(family, 1, time, name=name) for name, factor in (("a", 1), ("b", 2))
                 for family, time in (("scalar", 80.0 * factor), ("mma", 10.0 * factor), ("peer_a", 20.0 * factor))]
        lines = tables.ladder(self.site, [self.write("ladder.json", *found)])
        means = [line for line in lines if line.startswith("8.00 ± ")]
        self.assertEqual(len(means), 1, lines)
        self.assertTrue(means[0].endswith(" × the first row over 2 problems; 2 won, 0 tied, 0 lost."), means)
        said = [line for line in lines if line.startswith("`mma/fp16_d64_q1` is 8.00 ±")]
        self.assertEqual(len(said), 2)
        self.assertIn("times faster than `peer_a/fp16_d64_q1` (the fastest peer).", said[0])
        self.assertNotIn("over 2 problems", "".join(tables.ladder(self.site, ["ladder.json"], ["a"])))

    def test_a_file_that_the_program_refuses_is_an_error(self):
        found = record("mma", 32, 10.0)
        found["spec"]["block_q"] = 64
        self.write("results/card/ladder.json", found)
        result = self.script()
        self.assertEqual(result.returncode, 2)
        self.assertIn("does not belong to family and spec", result.stderr)

    def test_peers_stand_beside_the_best_variant(self):
        found = [record(family, 1, time, name=name) for name in ("seed", "other")
                 for family, time in (("mma", 8.0), ("wgmma", 5.0), ("peer_a", 10.0), ("peer_b", 20.0))]
        lines = tables.peers(self.site, [self.write("peers.json", *found)])
        self.assertIn("| seed | `wgmma/fp16_d64_q1` | 5.00 | 1.0 % | 15 | 10.0 | 20.0 | 2.00× |", lines)
        self.assertTrue(any("over 2 problems" in line.lower() and "2.00 ± " in line for line in lines), lines)

    def test_peers_stand_beside_dtypes_in_those_that_they_ran(self):
        found = [record(family, 1, time, dtype=dtype) for family, dtype, time in (
            ("mma", "fp16", 8.0), ("mma", "bf16", 4.0), ("peer_a", "fp16", 6.0), ("peer_a", "bf16", 2.5), ("peer_b", "bf16", 5.0))]
        lines = tables.dtypes(self.site, [self.write("fp8.json", *found)])
        head = next(line for line in lines if line.startswith("| problem"))
        self.assertTrue(head.endswith("| speed-up | `peer_a` fp16 µs | `peer_a` bf16 µs | `peer_b` bf16 µs |"), head)
        self.assertTrue(any(line.endswith("| 2.00× | 6.00 | 2.50 | 5.00 |") for line in lines), lines)

    def test_a_role_decides_who_is_a_peer(self):
        self.assertTrue(records.is_peer({"family": "theirs", "role": "peer"}))
        self.assertFalse(records.is_peer({"family": "peer_of_mine", "role": "plugin"}))

    def test_repeats_compare_within_a_run_and_between_runs(self):
        files = [self.write("a.json", *(record("mma", 32, time) for time in (100.0, 100.5))),
                 self.write("b.json", *(record("mma", 32, time) for time in (110.0, 100.0)))]
        shares = [line.split(" | ")[2] for line in tables.repeats(self.site, files) if line.startswith(("| within", "| above"))]
        self.assertEqual(shares, ["100.0 % (±1 %)", "0.0 % (±1 %)", "0.0 % (±2 %)"])

    def test_claims_say_whether_they_hold(self):
        claim = {"step": "gate", "text": "alarms", "wanted": "<= 1", "got": "0"}
        (self.root / "claims-a.json").write_text(json.dumps({"environment": {"device": {"name": "card"}}, "claims": [
            {**claim, "held": held} for held in (True, False, None)]}))
        lines = tables.claims(self.site, ["claims-a.json"])
        self.assertTrue(lines[0].startswith("card, unknown commit; from [claims-a.json]"), lines[0])
        self.assertEqual([line.split(" | ")[-1] for line in lines[4:]], ["yes |", "no |", "not tried |"])

    def test_three_lengths_of_one_shape_make_a_panel(self):
        found = [record(family, 1, 10.0, seq_q=length, seq_kv=length, batch=4096 // length)
                 for family in ("mma", "peer_torch_flash") for length in (512, 1024, 2048)]
        document = {"environment": {}, "records": found}
        chart = charts.sequence_chart(document)
        self.assertEqual(chart.count("<circle"), len(found))
        self.assertIn("PyTorch flash", chart)
        self.assertIn("4096 tokens", chart)
        self.assertIsNone(charts.sequence_chart({"environment": {}, "records": found[:2]}))

    def test_keys_are_in_words(self):
        document = {"definitions": {"effect": {"type": "number", "exclusiveMinimum": 0, "maximum": 1,
                                               "description": "A | share"}}}
        self.assertEqual(schema.takes(document, {"$ref": "#/definitions/effect"}), "number above 0 up to 1")
        self.assertEqual(schema.meaning(document, {"$ref": "#/definitions/effect"}), "A \\| share")
        listed = {"oneOf": [{"enum": ["a", "b"]}, {"type": "array", "items": {"enum": ["a", "b"]}}]}
        self.assertEqual(schema.takes(document, listed), "`a`, `b`, or a list of these")

    def test_numbers_keep_three_significant_digits(self):
        for value, text in ((1398.4, "1398"), (44.25, "44.2"), (0.01234, "0.0123"), (0, "0"), (None, "–")):
            self.assertEqual(records.number(value), text)


if __name__ == "__main__":
    unittest.main()
