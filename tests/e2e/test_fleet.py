"""A fleet on one CPU: scripts/slurm_tune.sh with a stand-in for sbatch whose tasks play several cards, and fail."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from bench import BENCH, SOURCE, BenchTest, environment, run, schema_validator

USAGE, ENVIRONMENT = 2, 4
SHARDS = 6
CONFIG = {
    "name": "tiny",
    "problems": [{"name": "p", "heads_q": 2, "seq_q": [8, 16, 24, 32, 40, 48], "head_dim": 64}],
    "variants": "cpu_*",
    "measure": {"clocks": ["hot"], "min_samples": 3, "max_samples": 3, "budget_s": 0.5},
}
CARD_A, CARD_A_SLOW, CARD_B = "Card A@1980", "Card A@1200", "Card B@1980"

# Runs the tasks of an array one after the other. FLEET has the card of each shard, a list of them where several tasks run
# it; shards without one are lost. Keeps its arrays in $FLEET_LOG.
SBATCH = f"""#!{sys.executable}
import json, os, subprocess, sys
array = next(a.partition("=")[2] for a in sys.argv if a.startswith("--array="))
script = next(i for i, a in enumerate(sys.argv) if a.endswith(".sbatch"))
open(os.environ["FLEET_LOG"], "a").write(array + "\\n")
cards = json.loads(os.environ["FLEET"])
for part in array.split(","):
    first, _, last = part.partition("-")
    for shard in range(int(first), int(last or first) + 1):
        for card in cards.get(str(shard), []):
            subprocess.run(sys.argv[script:], check=True, stdout=subprocess.DEVNULL,
                           env={{**os.environ, "SLURM_ARRAY_TASK_ID": str(shard), "FLASHCORE_PLAYED_CARD": card}})
"""


class FleetTest(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "tiny.json"
        self.config.write_text(json.dumps(CONFIG))

    def tune(self, output, *arguments, **env):
        return run("tune", "--config", self.config, "--device", "cpu", "--output", self.folder / output, *arguments,
                   OMP_NUM_THREADS=1, **env)

    def journals(self):
        """The lines of each journal."""
        return {path.name: path.read_text().split("\n") for path in self.folder.glob("out-shard*.journal.jsonl")}

    def entries(self, card):
        table = json.loads((self.folder / "out.json").read_text())
        schema_validator("tuned.schema.json").validate(table)
        return [entry for entry in table["tuned_table"] if entry["fingerprint"]["device"].startswith(f"{card}, played by ")]


class Fleet(FleetTest):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        sbatch = self.folder / "bin" / "sbatch"
        sbatch.write_text(SBATCH)
        sbatch.chmod(0o755)
        self.arrays = self.folder / "arrays"

    def command(self, cards, shards=SHARDS):
        self.arrays.write_text("")
        env = environment(PATH=f"{self.folder}/bin:{os.environ['PATH']}", FLASHCORE_BENCH=BENCH, OMP_NUM_THREADS=1,
                          FLEET=json.dumps(cards), FLEET_LOG=self.arrays)
        return subprocess.run([SOURCE / "scripts" / "slurm_tune.sh", str(shards), self.folder / "out", "--config", self.config,
                               "--device", "cpu", "--quiet", "--", "--gpus-per-task=1"],
                              env=env, capture_output=True, text=True, check=False)

    def cut(self, name):
        """What a power cut leaves in the middle of a problem: the header, records of variants that the race has dropped,
        two at most, and half a line. How many there are depends on the times."""
        path = self.folder / name
        lines = path.read_text().split("\n")
        whole = 1
        while whole < 3 and not json.loads(lines[whole])["finalist"]:
            whole += 1
        path.write_text("\n".join(lines[:whole]) + "\n" + lines[whole][:len(lines[whole]) // 2])
        return lines[:whole]

    def journal_of(self, shard, card="card-a"):
        name, = [name for name in self.journals() if name.startswith(f"out-shard{shard}-{card}-")]
        return name

    def test_what_is_missing_is_named_and_run_by_the_same_command(self):
        result = self.command({1: [CARD_A], 3: [CARD_B], 4: [CARD_A_SLOW], 5: [CARD_A, CARD_A], 6: [CARD_A]})
        self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
        self.assertIn("error: shards 2-3 of 6 are missing", result.stderr)
        kept = self.cut(self.journal_of(6))
        before = {name: lines for name, lines in self.journals().items() if name != self.journal_of(6)}

        result = self.command({shard: [CARD_A] for shard in range(1, SHARDS + 1)})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.arrays.read_text(), "2-3,6\n")
        self.assertEqual(self.journals()[self.journal_of(6)][:len(kept)], kept)
        self.assertEqual({name: self.journals()[name] for name in before}, before)
        slow = [line for line in result.stderr.splitlines() if "ran at 1200 MHz" in line]
        self.assertEqual(len(slow), 1, result.stderr)
        self.assertIn(self.journal_of(4), slow[0])
        self.assert_nothing_mixed()

        result = self.command({})
        self.assertEqual((result.returncode, self.arrays.read_text()), (0, ""), result.stderr)

    def assert_nothing_mixed(self):
        self.assertEqual(sorted(entry["problem"]["seq_q"] for entry in self.entries("Card A")), [8, 16, 24, 32, 40, 48])
        self.assertEqual([entry["problem"]["seq_q"] for entry in self.entries("Card B")], [24])
        finalists = set()
        for lines in self.journals().values():
            device = json.loads(lines[0])["tune_journal"]["device"]
            for line in map(json.loads, lines[1:-1]):
                if line["finalist"]:
                    finalists.add((device, line["record"]["problem"]["seq_q"], line["record"]["variant"],
                                   line["record"]["timing"]["hot_us"]["median"],
                                   line["record"]["telemetry"]["sm_clock_mhz"]["median"]))
        for entry in self.entries("Card A") + self.entries("Card B"):
            self.assertIn((entry["fingerprint"]["device"], entry["problem"]["seq_q"], entry["winner"]["variant"],
                           entry["winner"]["median_us"], entry["sm_clock_mhz"]), finalists)

    def test_entries_of_other_sweeps_stay(self):
        self.assert_ok(self.tune("out", "--problem", "heads_q=2,seq_q=9", FLASHCORE_PLAYED_CARD=CARD_A))
        result = self.command({shard: [CARD_A] for shard in (1, 2)}, shards=2)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(self.entries("Card A")), 7)

    def test_shards_of_another_number_are_refused(self):
        self.command({1: [CARD_A]})
        result = self.command({}, shards=5)
        self.assertEqual(result.returncode, USAGE, result.stderr)
        self.assertIn("of 6 shards, not of 5", result.stderr)


class Merge(FleetTest):
    def test_candidates_that_are_all_wrong_are_not_missing(self):
        self.config.write_text(json.dumps({**CONFIG, "check": {"max_abs": 1e-12}}))
        self.tune("t", "--shard", "1/2", FLASHCORE_PLAYED_CARD=CARD_A)
        result = run("merge", self.folder / "t.journal.jsonl", "--missing-shards")
        self.assertEqual(self.assert_ok(result), "2\n")
        self.assertIn("no candidate is right: p_q8, p_q24, p_q40", result.stderr)

    def test_a_journal_without_a_whole_line_is_named(self):
        cut = self.folder / "cut.journal.jsonl"
        cut.write_text('{"schema_version":1,"tune_jour')
        result = run("merge", cut, "-o", self.folder / "m.json")
        self.assert_ok(result)
        self.assertIn("cut.journal.jsonl: has no problem with a winner", result.stderr)

    def test_errors_name_the_option(self):
        self.assert_ok(self.tune("t", "--shard", "1/6", FLASHCORE_PLAYED_CARD=CARD_A))
        self.assert_ok(self.tune("u", "--shard", "1/6", "--seed", "3", FLASHCORE_PLAYED_CARD=CARD_A))
        table, journal, other = (self.folder / name for name in ("t.json", "t.journal.jsonl", "u.journal.jsonl"))
        self.assert_error(run("merge", table, "--missing-shards"), USAGE, "--missing-shards: needs journals")
        self.assert_error(run("merge", table), USAGE, "--output")
        self.assert_error(run("merge", journal, "--missing-shards", "--device", "Card Z"), USAGE, '--device: "Card Z"', "Card A")
        self.assert_error(run("merge", journal, other, "--missing-shards"), USAGE, "--missing-shards", "different configs")


class PlayedCard(FleetTest):
    def test_its_times_are_not_those_of_this_processor(self):
        self.assert_ok(self.tune("t", "--shard", "1/6", FLASHCORE_PLAYED_CARD=CARD_A))
        result = run("--device", "cpu", "--problem", "heads_q=2,seq_q=8", "--variants", "auto", "--check-only", "--format",
                     "json", "--tuned-table", self.folder / "t.json", "--output", self.folder / "run")
        self.assert_ok(result)
        self.assertIn("1 of 1 entries not used: tuned on Card A, played by ", result.stderr)

    def test_a_journal_of_another_card_or_shard_is_not_continued(self):
        self.assert_ok(self.tune("t", "--shard", "1/6", FLASHCORE_PLAYED_CARD=CARD_A))
        for shard, card, part in (("1/6", CARD_B, "another device (Card A"), ("2/6", CARD_A, "another shard (1/6, now 2/6)")):
            self.assert_error(self.tune("t", "--resume", "--shard", shard, FLASHCORE_PLAYED_CARD=card), USAGE, part)
        self.assert_ok(self.tune("t", "--resume", "--shard", "1/6", FLASHCORE_PLAYED_CARD=CARD_A_SLOW))

    def test_a_wrong_card_names_the_variable(self):
        for card in ("", "@1980", "Card A@", "Card A@0", "Card A@-1", "Card A@fast", "Card A@1980 ", "Card\x1b[2JA"):
            result = run("info", FLASHCORE_PLAYED_CARD=card)
            self.assertEqual(result.returncode, USAGE, card)
            self.assertIn("error: FLASHCORE_PLAYED_CARD: ", result.stderr)


if __name__ == "__main__":
    unittest.main()
