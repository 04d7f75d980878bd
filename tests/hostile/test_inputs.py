"""Inputs: endless, blocking, deep, damaged and absurd files are an error with the file's name, and nothing is lost."""

import json
import os
import unittest

from hostile import QUICK, TINY, USAGE, VARIANT, HostileTest, record, results, table, table_entry


class Bounds(HostileTest):
    def test_endless_files(self):
        good = self.write("good.json", results(record()))
        for arguments in (("report", "/dev/zero", "--format", "csv"), ("compare", good, "/dev/zero"),
                          ("merge", "/dev/zero", "-o", "m.json"), ("--config", "/dev/zero", "--device", "cpu"),
                          (*QUICK[:4], "--variants", "auto", "--tuned-table", "/dev/zero", "--output", "r"),
                          ("compare", good, good, "--policy", "/dev/zero"), ("compare", good, good, "--noise", "/dev/zero")):
            with self.subTest(arguments=arguments):
                self.assert_error(self.run_here(*arguments, timeout=60), USAGE, "/dev/zero: is a device")

    def test_a_fifo_in_a_folder(self):
        folder = self.folder / "runs"
        folder.mkdir()
        (folder / "a.json").write_text(json.dumps(results(record())))
        os.mkfifo(folder / "b.json")
        for arguments in (("report", folder, "--format", "csv"), ("compare", folder, folder),
                          ("compare", "--history", folder)):
            with self.subTest(arguments=arguments):
                self.assert_error(self.run_here(*arguments, timeout=60), USAGE, "b.json: is a FIFO")

    def test_deep_nesting(self):
        deep = self.write("deep.json", '{"schema_version": 1, "environment": ' + "[" * 50_000 + "]" * 50_000 + ', "records": []}')
        for arguments in (("report", deep, "--format", "json"), ("compare", deep, deep), ("merge", deep, "-o", "m.json"),
                          ("--config", deep, "--device", "cpu")):
            with self.subTest(arguments=arguments):
                self.assert_error(self.run_here(*arguments), USAGE, "deep.json: is nested deeper than 64 levels")

    def test_a_folder_takes_what_its_file_alone_takes(self):
        folder = self.folder / "runs"
        folder.mkdir()
        content = results(record(), environment={"note": "x" * (17 << 20)})
        (folder / "big.json").write_text(json.dumps(content))
        for place in (folder, folder / "big.json"):
            self.assertIn(VARIANT, self.assert_ok(self.run_here("report", place, "--format", "csv")))


class Forms(HostileTest):
    def test_an_environment_that_is_none(self):
        for environment, part in (([1], "/environment: must be an object"), ("x", "/environment: must be an object")):
            bad = self.write("bad.json", {**results(record()), "environment": environment})
            self.assert_error(self.run_here("report", bad, "--format", "markdown"), USAGE, f"bad.json: {part}")
        odd = self.write("odd.json", results(record(), environment={"time": 5, "device": {"name": [], "backend": 7}}))
        for arguments in (("report", odd, "--format", "markdown"), ("report", odd, "-o", "odd.html"),
                          ("compare", odd, odd), ("compare", "--history", self.folder)):
            with self.subTest(arguments=arguments):
                self.assertNotIn("json.exception", self.run_here(*arguments).stderr)

    def test_entries_of_tables_that_no_clock_gave(self):
        for entry, place in ((table_entry("nan"), "winner/median_us"), (table_entry(-5), "winner/median_us"),
                             (table_entry(1e-300), "winner/median_us"), (table_entry(0), "winner/median_us"),
                             (table_entry(tuned_at="zzzz"), "tuned_at"),
                             (table_entry(tuned_at="2026-13-01T00:00:00Z"), "tuned_at"),
                             (table_entry(variant="cpu_scalar/bf16_d64"), "winner/variant"),
                             (table_entry(variant="cpu_scalar/fp16_d128"), "winner/variant")):
            with self.subTest(place=place):
                bad = self.write("bad.json", table(entry))
                self.assert_error(self.run_here("merge", bad, "-o", "m.json"), USAGE, f"bad.json: /tuned_table/0/{place}")
        self.assertEqual(self.names(), ["bad.json"])


class Journal(HostileTest):
    TUNE = ("tune", "--device", "cpu", "--problem", "heads_q=2,head_dim=64,seq_q=8:16:24", "--variants", "cpu_*/fp16*",
            "--budget", "0.2", "--output", "t")

    def setUp(self):
        super().setUp()
        self.path = self.folder / "t.journal.jsonl"

    def pairs(self):
        records = json.loads((self.folder / "t.records.json").read_text())["records"]
        return sorted((record["problem"]["name"], record["variant"]) for record in records)

    def test_a_damaged_line_costs_its_record(self):
        self.assert_ok(self.run_here(*self.TUNE))
        whole = self.pairs()
        lines = self.path.read_text().splitlines(keepends=True)
        damaged = lines[2].replace('"median":', '"median":9', 1)
        self.assertNotEqual(damaged, lines[2])
        self.path.write_text("".join([*lines[:2], damaged, *lines[3:]]))
        result = self.run_here(*self.TUNE, "--resume")
        self.assert_ok(result)
        self.assertIn("t.journal.jsonl, line 3: is damaged", result.stderr)
        self.assertIn("measured again", result.stderr)
        self.assertEqual(self.pairs(), whole)
        self.assertIn("line 3: is damaged", self.run_here("merge", self.path, "-o", "m.json").stderr)

    def test_times_and_variants_that_cannot_be_are_damage(self):
        self.assert_ok(self.run_here(*self.TUNE))
        header, *entries = self.path.read_text().splitlines()
        parsed = json.loads(header)
        parsed.pop("checksum")  # as journals of older versions
        entry = json.loads(entries[0])
        entry.pop("checksum")
        mode, timing = next(iter(entry["record"]["timing"].items()))
        for change in ({"time": "zzzz"}, {"record": {**entry["record"], "timing": {mode: {**timing, "median": -5}}}},
                {"record": {**entry["record"], "problem": {**entry["record"]["problem"], "dtype": "bf16"}}}):
            with self.subTest(change=list(change)):
                lines = [json.dumps(parsed), json.dumps({**entry, **change}), *entries[1:]]
                self.path.write_text("\n".join(lines) + "\n")
                self.assertIn("line 2", self.run_here("merge", self.path, "-o", "m.json").stderr)

    def test_what_is_no_journal_is_kept(self):
        for text in ("my notes", "my notes\n", '{"schema_version": 1, "records": []}'):
            for flags in ((), ("--resume",)):
                with self.subTest(text=text, flags=flags):
                    self.path.write_text(text)
                    self.assert_refused(self.run_here(*self.TUNE, *flags), {self.path: text.encode()}, "is no journal", "--fresh")
        self.assert_ok(self.run_here(*self.TUNE, "--fresh"))

    def test_a_header_that_a_kill_cut_off_is_replaced(self):
        self.path.write_text('{"schema_version":1,"tune_jour')
        self.assert_ok(self.run_here(*self.TUNE))


if __name__ == "__main__":
    unittest.main()
