"""A sweep as an array job of a real Slurm produces the same table as a single sweep."""

import json
import pathlib
import sys
import tempfile
import unittest

from bench import BENCH, SOURCE, BenchTest, run

sys.path.insert(0, str(SOURCE / "scripts"))

from proof import slurm  # noqa: E402  (found through the path above)

SHARDS = 4
CONFIG = {
    "name": "tiny",
    "problems": [{"name": "p", "heads_q": 2, "seq_q": [8, 16, 24, 32, 40, 48], "head_dim": 64}],
    "variants": "cpu_*",
    "measure": {"clocks": ["hot"], "min_samples": 3, "max_samples": 3, "budget_s": 2},
}


class ArrayJob(BenchTest):
    def setUp(self):
        if reason := slurm.reason_against():
            self.skipTest(reason)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def structure(self, name):
        """The problems of a table."""
        table = json.loads((self.folder / name).read_text())["tuned_table"]
        return sorted(json.dumps(entry["problem"]) for entry in table)

    def pairs(self, *names):
        """The (problem, variant) pairs of all records in some result files."""
        return sorted((record["problem"]["name"], record["variant"]) for name in names
                      for record in json.loads((self.folder / name).read_text())["records"])

    def test_four_shards_make_the_table_of_one_sweep(self):
        config = self.folder / "tiny.json"
        config.write_text(json.dumps(CONFIG))
        options = ("--config", config, "--device", "cpu")
        with slurm.Slurm(tempfile.mkdtemp(dir=self.folder)) as cluster:
            output = cluster.run_array(SHARDS, SOURCE / "scripts" / "slurm_tune.sbatch", self.folder / "part",
                                       *options, FLASHCORE_BENCH=BENCH, OMP_NUM_THREADS="1")
        journals = [path for i in range(1, SHARDS + 1) for path in self.folder.glob(f"part-shard{i}-*.journal.jsonl")]
        self.assertEqual(len(journals), SHARDS, output)
        self.assert_ok(run("merge", *journals, "-o", self.folder / "merged.json"))
        self.assert_ok(run("tune", *options, "--output", self.folder / "whole", OMP_NUM_THREADS=1))
        self.assertEqual(self.structure("merged.json"), self.structure("whole.json"))
        records = [path.name for path in self.folder.glob("part-shard*.records.json")]
        self.assertEqual(self.pairs(*records), self.pairs("whole.records.json"))


if __name__ == "__main__":
    unittest.main()
