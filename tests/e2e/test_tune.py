"""Sweeps on the CPU: tables, journals, resuming after kills, shards, devices, merging, bad input."""

import copy
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from bench import BENCH, BenchTest, environment, run, schema_validator, wait_for_entry

USAGE, ENVIRONMENT, INTERRUPTED = 2, 4, 130

# One thread: the problems are tiny, and on a busy machine several threads would wait for each other.
SERIAL = {"OMP_NUM_THREADS": 1}

# Six problems that any machine sweeps in about a second.
CONFIG = {
    "name": "tiny",
    "problems": [{"name": "p", "heads_q": 2, "seq_q": [8, 16, 24, 32, 40, 48], "head_dim": 64}],
    "variants": "cpu_*",
    "measure": {"clocks": ["hot"], "min_samples": 3, "max_samples": 3, "budget_s": 2},
}


class TuneTest(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "tiny.json"
        self.config.write_text(json.dumps(CONFIG))

    def arguments(self, output="tuned", *extra, device=("--device", "cpu")):
        return ("tune", "--config", self.config, *device, "--output", self.folder / output, *extra)

    def tune(self, output="tuned", *extra, **options):
        return run(*self.arguments(output, *extra, **options), cwd=self.folder, **SERIAL)

    def table(self, output="tuned"):
        return json.loads((self.folder / f"{output}.json").read_text())["tuned_table"]

    def records(self, output="tuned"):
        records = json.loads((self.folder / f"{output}.records.json").read_text())["records"]
        return sorted((record["problem"]["name"], record["variant"]) for record in records)

    def journal(self, output="tuned"):
        return (self.folder / f"{output}.journal.jsonl").read_text().splitlines()

    def candidates(self):
        """The sorted (problem, variant) pairs of a dry run."""
        found, problem = [], None
        for line in self.assert_ok(self.tune("tuned", "--dry-run")).splitlines():
            if not line.startswith(" "):
                problem = line.split(":")[0]
            elif "pruned" not in line:
                found.append((problem, line.strip()))
        return sorted(found)


class Sweep(TuneTest):
    def test_leaves_a_table_a_journal_and_records(self):
        text = self.assert_ok(self.tune())
        schema_validator("tuned.schema.json").validate(json.loads((self.folder / "tuned.json").read_text()))
        self.assertEqual([entry["problem"]["name"] for entry in self.table()],
                         [f"p_q{length}" for length in (8, 16, 24, 32, 40, 48)])
        self.assertEqual(self.records(), self.candidates())
        self.assertEqual(len(self.journal()), 1 + len(self.candidates()))
        for entry in self.table():
            self.assertIn(entry["winner"]["variant"], text)

    def test_finalists_that_fall_short_are_counted(self):
        config = copy.deepcopy(CONFIG)
        config["measure"] = {"min_samples": 50, "max_samples": 60, "budget_s": 1e-6, "clocks": ["hot"]}
        self.config.write_text(json.dumps(config))
        result = run("tune", "--config", self.config, "--device", "cpu", "--output", self.folder / "tuned", **SERIAL)
        self.assert_ok(result)
        finalists = sum(1 + len(entry["ties"]) for entry in self.table())
        found = re.search(r"(\d+) of (\d+) finalists (?:has|have) fewer than 50 samples \(min_samples\)", result.stderr)
        self.assertTrue(found, result.stderr)
        self.assertEqual(found[1], found[2])
        self.assertGreaterEqual(int(found[2]), finalists)

    def test_every_search_decides_every_problem(self):
        for search in ("exhaustive", "random"):
            with self.subTest(search):
                self.assert_ok(self.tune(search, "--search", search))
                self.assertEqual(len(self.table(search)), 6)

    def test_an_earlier_table_keeps_its_other_entries(self):
        self.assert_ok(self.tune("tuned", "--shard", "1/2"))
        self.assertEqual(len(self.table()), 3)
        self.assert_ok(self.tune("tuned", "--shard", "2/2", "--fresh"))
        self.assertEqual(len(self.table()), 6)

    def test_several_devices_share_the_problems(self):
        self.assert_ok(self.tune("tuned", device=("--devices", "cpu,cpu")))
        self.assertEqual(self.records(), self.candidates())
        self.assertEqual(len(self.table()), 6)

    def test_dry_run_shows_pruned_candidates_and_writes_nothing(self):
        config = copy.deepcopy(CONFIG)
        config["tune"] = {"max_candidates": 1}
        self.config.write_text(json.dumps(config))
        text = self.assert_ok(self.tune("tuned", "--dry-run"))
        self.assertIn("pruned: not in the random sample of 1 of", text)
        self.assertIn("p_q8: 1 candidates", text)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["tiny.json"])

    def test_an_incorrect_candidate_is_a_record_and_no_winner(self):
        config = copy.deepcopy(CONFIG)
        config["check"] = {"max_abs": 1e-12}
        self.config.write_text(json.dumps(config))
        result = self.tune()
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(self.table(), [])
        self.assertEqual(self.records(), self.candidates())


class Dispatch(TuneTest):
    """What a table says of problems that it was not tuned for."""

    def test_times_of_all_candidates_and_reports(self):
        result = self.tune()
        self.assert_ok(result)
        document = json.loads((self.folder / "tuned.json").read_text())
        schema_validator("tuned.schema.json").validate(document)
        candidates = self.candidates()
        for entry in document["tuned_table"]:
            timed = [time["variant"] for time in entry["times"]]
            self.assertLessEqual({(entry["problem"]["name"], variant) for variant in timed}, set(candidates))
            self.assertIn(entry["winner"]["variant"], timed)
            self.assertIn(entry["default"], timed)
            best = [time["ratio"] for time in entry["times"] if time["variant"] == entry["winner"]["variant"]]
            self.assertEqual(best, [1])
        phases = {report["phase"]: report for report in document["dispatch"]}
        self.assertEqual({phase: report["problems"] for phase, report in phases.items()}, {"decode": 2, "prefill": 4})
        for report in phases.values():
            self.assertLessEqual(len(report["variants"]), 8)
        self.assertRegex(result.stderr,
                         r"dispatch: worst \+[0-9.]+ %, mean \+[0-9.]+ % on problems left out; default: worst")

    def test_merged_shards_report_as_one_sweep(self):
        self.assert_ok(self.tune())
        self.assert_ok(run("merge", self.folder / "tuned.journal.jsonl", "-o", self.folder / "merged.json"))
        whole, merged = (json.loads((self.folder / name).read_text()) for name in ("tuned.json", "merged.json"))
        self.assertEqual(merged["dispatch"], whole["dispatch"])
        self.assertEqual([entry["times"] for entry in merged["tuned_table"]],
                         [entry["times"] for entry in whole["tuned_table"]])

    def test_totals_count_each_problem_by_its_weight(self):
        config = copy.deepcopy(CONFIG)
        config["problems"] = [{"name": "light", "heads_q": 2, "seq_q": 8, "head_dim": 64},
                              {"name": "heavy", "heads_q": 2, "seq_q": 48, "head_dim": 64, "weight": 1000}]
        self.config.write_text(json.dumps(config))
        result = self.tune()
        self.assert_ok(result)
        us = {entry["problem"]["name"]: entry["winner"]["median_us"] for entry in self.table()}
        total = float(re.search(r"weighted total ([0-9.]+) µs; default [+-]", result.stderr)[1])
        self.assertAlmostEqual(total / (us["light"] + 1000 * us["heavy"]), 1, delta=0.01)

    def test_a_table_of_an_earlier_version_is_read(self):
        self.assert_ok(self.tune())
        document = json.loads((self.folder / "tuned.json").read_text())
        del document["dispatch"]
        for entry in document["tuned_table"]:
            for key in ("times", "default", "num_sms"):
                del entry[key]
        (self.folder / "old.json").write_text(json.dumps(document))
        text = self.assert_ok(run("--device", "cpu", "--problem", "heads_q=2,seq_q=44,head_dim=64", "--variants", "auto",
                                  "--tuned-table", self.folder / "old.json", "--dry-run", "--json"))
        self.assertIn("auto: interpolated from p_q", json.loads(text)["problems"][0]["auto"]["reason"])


class Resume(TuneTest):
    def test_after_kills_every_record_is_present_once(self):
        """Twenty kills at random moments; each resumed sweep is killed again."""
        moments = random.Random(20)
        known = []
        for _ in range(20):
            process = subprocess.Popen([BENCH, *map(str, self.arguments("tuned", "--resume"))], env=environment(**SERIAL),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(moments.uniform(0.05, 1))
            process.kill()
            process.communicate()
            path = self.folder / "tuned.journal.jsonl"
            lines = path.read_text().splitlines(keepends=True) if path.exists() else []
            whole = [line for line in lines if line.endswith("\n")]
            self.assertEqual(whole[:len(known)], known, "written lines must not change")
            known = whole
        self.assert_ok(self.tune("tuned", "--resume"))
        self.assertEqual(self.journal()[:len(known)], [line.rstrip("\n") for line in known])
        written = [json.loads(line)["record"] for line in self.journal()[1:]]
        pairs = sorted((record["problem"]["name"], record["variant"]) for record in written)
        self.assertEqual(pairs, self.candidates())
        self.assertEqual(self.records(), self.candidates())
        self.assertEqual(len(self.table()), 6)

    def test_half_a_line_is_dropped(self):
        self.assert_ok(self.tune())
        path = self.folder / "tuned.journal.jsonl"
        text = path.read_text()
        path.write_text(text[:-40])
        self.assert_ok(self.tune("tuned", "--resume"))
        self.assertEqual(self.records(), self.candidates())

    def test_a_journal_is_not_overwritten_unasked(self):
        self.assert_ok(self.tune())
        before = self.journal()
        self.assert_error(self.tune(), USAGE, "--output: ", "--resume", "--fresh")
        self.assertEqual(self.journal(), before)

    def change(self, key, value):
        path = self.folder / "tuned.journal.jsonl"
        header, *records = path.read_text().splitlines()
        parsed = json.loads(header)
        parsed["tune_journal"][key] = value
        path.write_text("\n".join([json.dumps(parsed), *records]) + "\n")

    def test_refuses_a_journal_of_another_sweep(self):
        self.assert_ok(self.tune())
        self.config.write_text(json.dumps({**CONFIG, "seed": 5}))
        self.assert_error(self.tune("tuned", "--resume"), USAGE, "--resume: ", "another config", "--resume-changed")
        self.config.write_text(json.dumps(CONFIG))
        for key, word in (("device", "another device (Abacus"), ("code", "another code (")):
            with self.subTest(key):
                self.change(key, "Abacus")
                self.assert_error(self.tune("tuned", "--resume"), USAGE, "--resume: ", word)
        self.assert_ok(self.tune("tuned", "--resume-changed"))

    def test_a_plug_in_that_was_rebuilt_is_other_code(self):
        plugin = self.folder / "plugin.so"
        shutil.copy(os.environ["FLASHCORE_EXAMPLE_PLUGIN"], plugin)
        problem = {"heads_q": 2, "seq_q": 8, "head_dim": 64, "dtype": "bf16"}
        self.config.write_text(json.dumps({**CONFIG, "problems": [problem], "variants": ["example/*"]}))
        self.assert_ok(self.tune("tuned", "--plugin", plugin))
        self.assert_ok(self.tune("tuned", "--plugin", plugin, "--resume"))
        with plugin.open("ab") as file:
            file.write(b"\0")
        self.assert_error(self.tune("tuned", "--plugin", plugin, "--resume"), USAGE, "--resume: ", "another code (")

    @unittest.skipIf(os.environ["FLASHCORE_SANITIZERS"] == "thread",
                     "ThreadSanitizer begins with a file of its own, which is larger than the limit")
    def test_a_full_disk_loses_nothing(self):
        limit = 16 << 10  # bytes per file: room for the header and a few records

        def shrink_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        result = subprocess.run([BENCH, *map(str, self.arguments())], capture_output=True, text=True,
                                env=environment(**SERIAL), preexec_fn=shrink_disk, restore_signals=False)
        self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
        self.assertIn("tuned.journal.jsonl: cannot be written: File too large", result.stderr)
        kept = self.journal()
        self.assertGreater(len(kept), 1)
        self.assert_ok(self.tune("tuned", "--resume"))
        self.assertEqual(self.journal()[:len(kept)], kept)
        self.assertEqual(self.records(), self.candidates())

    def test_interrupt_keeps_finished_records(self):
        lengths = ":".join(str(length) for length in range(1, 3000))
        process = subprocess.Popen(
            [BENCH, "tune", "--device", "cpu", "--problem", f"head_dim=64,seq_q={lengths}", "--variants", "cpu_scalar/*",
             "--budget", "1", "--output", str(self.folder / "tuned")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**SERIAL))
        wait_for_entry(self.folder / "tuned.json", "tuned_table")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertTrue(0 < len(self.table()) < 2999)
        self.assertEqual(len(self.journal()) - 1, len(self.records()))


class Merge(TuneTest):
    def test_shards_make_the_table_of_one_sweep(self):
        self.assert_ok(self.tune("whole"))
        for shard in (1, 2, 3, 4):
            self.assert_ok(self.tune(f"part{shard}", "--shard", f"{shard}/4"))
        files = [self.folder / "part1.json", self.folder / "part2.journal.jsonl", self.folder / "part3.json",
                 self.folder / "part4.journal.jsonl"]
        self.assert_ok(run("merge", *files, "-o", self.folder / "merged.json"))
        schema_validator("tuned.schema.json").validate(json.loads((self.folder / "merged.json").read_text()))

        def problems(output):
            return sorted(json.dumps(entry["problem"]) for entry in self.table(output))
        self.assertEqual(problems("merged"), problems("whole"))

    def write(self, name, tuned_at, variant, median_us):
        tuned = {"variant": variant, "median_us": median_us, "ci95_us": [median_us, median_us], "samples": 9}
        entry = {"problem": {"name": name, "batch": 1, "heads_q": 1, "heads_kv": 1, "seq_q": 8, "seq_kv": 8,
                             "head_dim": 64, "dtype": "fp16"},
                 "fingerprint": {"backend": "cpu", "device": "Abacus"}, "tuned_at": tuned_at, "clock": "hot",
                 "winner": tuned, "ties": []}
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"schema_version": 1, "tuned_table": [entry]}))
        return path

    def test_of_two_entries_the_later_is_kept_then_the_faster(self):
        old = self.write("old", "2026-01-01T00:00:00Z", "a/fp16_d64", 1.0)
        new = self.write("new", "2026-01-02T00:00:00Z", "b/fp16_d64", 2.0)
        fast = self.write("fast", "2026-01-02T00:00:00Z", "c/fp16_d64", 1.5)
        for files in ((old, new, fast), (fast, new, old)):
            result = run("merge", *files, "-o", self.folder / "merged.json")
            self.assert_ok(result)
            self.assertEqual([entry["winner"]["variant"] for entry in self.table("merged")], ["c/fp16_d64"])
            self.assertEqual(result.stderr.count("conflict over"), 2, result.stderr)

    def test_bad_files_are_named(self):
        good = self.write("good", "2026-01-01T00:00:00Z", "a/fp16_d64", 1.0)
        (self.folder / "bad.json").write_text('{"schema_version": 1, "tuned_table": [{}]}')
        (self.folder / "bad.jsonl").write_text("notes")
        output = ("-o", self.folder / "merged.json")
        self.assert_error(run("merge", good, self.folder / "bad.json", *output), USAGE, "bad.json: /tuned_table/0")
        self.assert_error(run("merge", self.folder / "bad.jsonl", *output), USAGE, "bad.jsonl", "not a journal")
        self.assert_error(run("merge", self.folder / "none.json", *output), USAGE, "none.json")
        self.assertFalse((self.folder / "merged.json").exists())


class Auto(TuneTest):
    """The variant "auto" with a table of one problem, tuned with one candidate."""

    TUNED = "cpu_scalar/fp16_d64"

    def setUp(self):
        super().setUp()
        self.assert_ok(run("tune", "--device", "cpu", "--problem", "name=base,heads_q=2,seq_q=64", "--variants", self.TUNED,
                           "--budget", "0.1", "--output", self.folder / "tuned", **SERIAL))

    def auto(self, problem, table="tuned.json"):
        """The variant and reason of the only record, and standard error."""
        result = run("--device", "cpu", "--problem", problem, "--variants", "auto", "--check-only", "--format", "json",
                     "--tuned-table", self.folder / table, "--output", self.folder / "run", **SERIAL)
        self.assert_ok(result)
        record, = json.loads((self.folder / "run.json").read_text())["records"]
        return record["variant"], record["reason"], result.stderr

    def test_exact_interpolated_default(self):
        variant, reason, _ = self.auto("heads_q=2,seq_q=64")
        self.assertEqual(variant, self.TUNED)
        self.assertTrue(reason.startswith("auto: exact"), reason)
        variant, reason, _ = self.auto("heads_q=2,seq_q=65")
        self.assertEqual(variant, self.TUNED)
        self.assertTrue(reason.startswith("auto: interpolated from base, "), reason)
        variant, reason, _ = self.auto("heads_q=2,seq_q=64,dtype=bf16")
        self.assertIn("/bf16_", variant)
        self.assertTrue(reason.startswith("auto: default"), reason)

    def test_stale_entries_are_named_and_not_used(self):
        for key, value, words in ((("fingerprint", "device"), "Abacus", "tuned on Abacus"),
                                  (("winner", "variant"), "gone/fp16_d64", "gone/fp16_d64 is not in this program"),
                                  (("winner", "code_hash"), "0" * 16, f"the code of {self.TUNED} changed")):
            with self.subTest(words):
                table = json.loads((self.folder / "tuned.json").read_text())
                table["tuned_table"][0][key[0]][key[1]] = value
                (self.folder / "stale.json").write_text(json.dumps(table))
                variant, reason, said = self.auto("heads_q=2,seq_q=64", "stale.json")
                self.assertNotEqual(variant, self.TUNED)
                self.assertTrue(reason.startswith("auto: default"), reason)
                self.assertIn(f"stale.json: 1 of 1 entries not used: {words}", said)

    def test_the_device_s_table_is_found_below_results(self):
        (self.folder / "results" / "tuned").mkdir(parents=True)
        (self.folder / "tuned.json").rename(self.folder / "results" / "tuned" / "mine.json")
        text = self.assert_ok(run("--device", "cpu", "--problem", "heads_q=2,seq_q=64", "--variants", "auto", "--dry-run",
                                  cwd=self.folder))
        self.assertIn("auto: exact, results/tuned/mine.json", text)

    def test_an_installed_table_is_found_from_every_folder(self):
        data = {"XDG_DATA_HOME": str(self.folder / "data")}
        result = run("tune", "--device", "cpu", "--problem", "heads_q=2,seq_q=64", "--variants", self.TUNED, "--budget",
                     "0.1", "--install", **SERIAL, **data)
        self.assert_ok(result)
        tables = [path for path in (self.folder / "data" / "flashcore" / "tuned").glob("*.json")
                  if not path.name.endswith(".records.json")]
        self.assertEqual(len(tables), 1)
        self.assertIn(f"wrote {tables[0]}", result.stderr)
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        text = self.assert_ok(run("--device", "cpu", "--problem", "heads_q=2,seq_q=64", "--variants", "auto", "--dry-run",
                                  "--json", cwd=elsewhere, **data))
        self.assertEqual(json.loads(text)["problems"][0]["auto"],
                         {"variant": self.TUNED, "reason": f"auto: exact, {tables[0]}"})
        info = json.loads(self.assert_ok(run("info", "--json", cwd=elsewhere, **data)))
        self.assertEqual(info["tuned_tables"], [{"device": "cpu", "table": str(tables[0]), "problems": 1}])
        self.assert_error(self.tune("other", "--install"), USAGE, "--install: cannot be combined with --output")

    def test_the_row_of_auto_is_marked(self):
        text = self.assert_ok(run("--device", "cpu", "--problem", "heads_q=2,seq_q=64", "--variants", "auto,cpu_fused/*",
                                  "--tuned-table", self.folder / "tuned.json", "--budget", "0.2", **SERIAL))
        self.assertRegex(text, rf"{self.TUNED} \(auto\)")
        self.assertIn("auto: exact, ", text)
        self.assertEqual(text.count("(auto)"), 1)

    def test_auto_cannot_be_tuned(self):
        self.assert_error(self.tune("other", "--variants", "auto"), USAGE, "--variants: ")


class Objective(TuneTest):
    """Sweeps by energy, on a played card that always draws 300 W: joules per call are 300 W times the time of a call."""

    CARD = {"FLASHCORE_PLAYED_CARD": "Card A@1980,300"}

    def setUp(self):
        super().setUp()
        config = {**CONFIG, "problems": [{"name": "p", "heads_q": 2, "seq_q": 16, "head_dim": 64}]}
        config["measure"] = {**CONFIG["measure"], "energy_s": 0.5}
        self.config.write_text(json.dumps(config))

    def sweep(self, objective, output="tuned", *extra):
        return run(*self.arguments(output, "--objective", objective, *extra), cwd=self.folder, **SERIAL, **self.CARD)

    def whole_table(self, output="tuned"):
        table = json.loads((self.folder / f"{output}.json").read_text())
        schema_validator("tuned.schema.json").validate(table)
        return table

    def measured(self, output="tuned"):
        """The records whose energy was measured, by variant."""
        results = json.loads((self.folder / f"{output}.records.json").read_text())
        schema_validator("result.schema.json").validate(results)
        return {record["variant"]: record for record in results["records"] if "energy_per_call_j" in record}

    def test_the_winner_takes_the_least_energy(self):
        text = self.assert_ok(self.sweep("energy"))
        self.assertRegex(text, r"behind +mJ +±")
        table, measured = self.whole_table(), self.measured()
        self.assertEqual(table["objective"], "energy")
        winner = table["tuned_table"][0]["winner"]
        self.assertEqual(winner["energy_per_call_j"], min(record["energy_per_call_j"] for record in measured.values()))
        for record in measured.values():
            windows = record["energy_windows_j"]
            self.assertGreaterEqual(len(windows), 3)
            self.assertAlmostEqual(record["energy_per_call_j"] / (sum(windows) / len(windows)), 1)

    def test_both_keeps_the_fastest_and_the_pareto_set(self):
        text = self.assert_ok(self.sweep("both"))
        table, measured = self.whole_table(), self.measured()
        self.assertEqual(table["objective"], "both")
        entry, = table["tuned_table"]
        self.assertEqual(entry["winner"]["median_us"], min(r["timing"]["hot_us"]["median"] for r in measured.values()))
        self.assertEqual(entry["pareto"][0], entry["winner"])
        self.assertIn(f"Pareto set: {entry['winner']['variant']} ", text)

    def test_tables_of_different_objectives_are_not_joined(self):
        self.assert_ok(self.sweep("energy"))
        self.assert_ok(self.sweep("latency", "fast"))
        self.assertEqual(self.whole_table("fast")["objective"], "latency")
        for ending in (".json", ".journal.jsonl"):
            with self.subTest(ending):
                result = run("merge", self.folder / "fast.json", self.folder / f"tuned{ending}", "-o", self.folder / "m.json")
                self.assert_error(result, USAGE, f"tuned{ending} is for the objective energy", "fast.json for latency")
        self.assertFalse((self.folder / "m.json").exists())
        self.assert_ok(run("merge", self.folder / "tuned.json", self.folder / "tuned.journal.jsonl", "-o",
                           self.folder / "m.json"))
        self.assertEqual(self.whole_table("m")["objective"], "energy")
        result = self.sweep("latency", "tuned", "--fresh")
        self.assert_error(result, USAGE, "--output: ", "tuned.json is for the objective energy, this sweep for latency")

    def test_a_journal_of_another_objective_is_another_sweep(self):
        self.assert_ok(self.sweep("energy"))
        (self.folder / "tuned.json").unlink()
        self.assert_error(self.sweep("both", "tuned", "--resume"), USAGE, "--resume", "another config")

    def test_auto_says_it(self):
        self.assert_ok(self.sweep("both"))
        text = self.assert_ok(run("--device", "cpu", "--problem", "heads_q=2,seq_q=16", "--variants", "auto", "--dry-run",
                                  "--tuned-table", self.folder / "tuned.json", **self.CARD, COLUMNS="400"))
        self.assertIn("tuned.json, tuned for time and energy", text)

    def test_a_device_without_an_energy_counter_is_refused(self):
        self.assert_error(self.tune("t", "--objective", "energy"), ENVIRONMENT, "--objective: energy needs a device with an "
                          "energy counter", "it has no energy counter")
        config = json.loads(self.config.read_text())
        self.config.write_text(json.dumps({**config, "tune": {"objective": "both"}}))
        self.assert_error(self.tune("t"), ENVIRONMENT, "/tune/objective: both needs a device with an energy counter")
        self.assertFalse((self.folder / "t.json").exists())


class BadInput(TuneTest):
    def test_flags(self):
        for extra, part in ((("--shard", "5/4"), "--shard: \"5/4\""), (("--shard", "x"), "--shard"),
                            (("--search", "rase"), "--search: unknown word \"rase\", did you mean race?"),
                            (("--objective", "energie"), "--objective: unknown word \"energie\", did you mean energy?"),
                            (("--max-candidates", "0"), "--max-candidates: 0 is out of range"),
                            (("--devices", "cpu,gpu"), "--devices: "), (("--fresh", "--resume"), "--fresh")):
            with self.subTest(extra):
                self.assert_error(self.tune("tuned", *extra), USAGE, part)

    def test_config(self):
        for change, part in (({"tune": {"serch": "race"}}, "/tune/serch: unknown key, did you mean search?"),
                             ({"tune": {"limits": {"registers": -1}}}, "/tune/limits/registers"),
                             ({"check": {"enabled": False}}, "/check/enabled"),
                             ({"measure": {"clocks": []}}, "/measure/clocks")):
            with self.subTest(part):
                self.config.write_text(json.dumps({**CONFIG, **change}))
                self.assert_error(self.tune(), USAGE, part)

    def test_a_file_that_is_not_a_table_is_not_overwritten(self):
        (self.folder / "tuned.json").write_text("{}")
        self.assert_error(self.tune(), USAGE, "tuned.json")
        self.assertEqual((self.folder / "tuned.json").read_text(), "{}")


if __name__ == "__main__":
    unittest.main()
