"""Text of others: it cannot move the cursor, break a file's form or become a formula."""

import csv
import io
import json
import os
import stat
import unittest
import xml.etree.ElementTree

from hostile import (BENCH, CANNOT_TELL, ENVIRONMENT, OK, QUICK, USAGE, VARIANT, WRONG, HostileTest, record, results)

EVIL = "a\x1b[31m\x9b2J\x07\u202e\r\nb"


def is_harmless(text):
    return not any(ord(c) < 32 and c not in "\n" or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u2066" for c in text)


class Terminal(HostileTest):
    def assert_harmless(self, result):
        self.assertTrue(is_harmless(result.stdout), ascii(result.stdout)[:2000])
        self.assertTrue(is_harmless(result.stderr), ascii(result.stderr)[:2000])

    def test_names_reasons_and_families(self):
        bad = record(name=EVIL, family=EVIL)
        failed = {**record(name=EVIL), "status": "error", "reason": EVIL}
        del failed["timing"]
        base = self.write("base.json", results(bad, failed, environment={"device": {"name": EVIL}, "version": EVIL}))
        new = self.write("new.json", results({**bad, "timing": record(5)["timing"]}, failed))
        for arguments in (("compare", base, new), ("compare", base, new, "--all"),
                          ("compare", "--history", self.folder), ("report", base, "--format", "markdown"),
                          ("compare", base, new, "--format", "markdown")):
            with self.subTest(arguments=arguments):
                self.assert_harmless(self.run_here(*arguments))

    def test_paths(self):
        self.assert_harmless(self.run_here("report", self.folder / f"no{EVIL}.json", "--format", "csv"))
        self.write("t\x1b[2J.json", {"schema_version": 1, "tuned_table": []})
        self.assert_harmless(self.run_here("merge", "t\x1b[2J.json", "-o", "m\x9b.json"))
        self.assert_harmless(self.run_here("--config", "-", stdin=json.dumps({"problems": {EVIL: 1}})))

    def test_bytes_that_are_no_text(self):
        result = self.run_here("report", os.fsdecode(b"no\xff\xc0\xaf.json"), "--format", "csv")
        self.assert_error(result, USAGE, "no\ufffd\ufffd\ufffd.json")


class Files(HostileTest):
    def test_junit_stays_well_formed(self):
        name = "a\ufffe\uffff\x0b\x1b]]><&\"b"
        base, new = self.write("base.json", results(record(name=name))), self.write("new.json", results(record(9, name=name)))
        result = self.run_here("compare", base, new, "--format", "junit")
        self.assertEqual(result.returncode, WRONG, result.stderr)
        case = xml.etree.ElementTree.fromstring(result.stdout.encode()).find(".//testcase")
        self.assertEqual(case.get("classname"), "a\ufffd\ufffd  ]]><&\"b")

    def test_csv_has_no_formulas(self):
        names = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-2+3", "\t=1", "plain"]
        base = self.write("base.json", results(*(record(name=name) for name in names)))
        text = self.assert_ok(self.run_here("report", base, "--format", "csv"))
        cells = [row[0] for row in csv.reader(io.StringIO(text))][1:]
        self.assertEqual(cells, ["'=cmd|' /C calc'!A0", "'@SUM(1)", "'+1", "'-2+3", " =1", "plain"])


class Live(HostileTest):
    def old_program(self, script):
        path = self.write("old", f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def live(self, script):
        config = self.write("c.json", {"problems": {"heads_q": 2, "seq_q": 33, "head_dim": 64}, "variants": VARIANT})
        return self.run_here("compare", "--live", self.old_program(script), "--config", config, "--device", "cpu",
                             timeout=120)

    def test_an_old_program_that_fails_and_exits_0(self):
        for script in ("exit 0", "echo 'flashcore-bench: error: no luck' >&2; exit 0", "echo hello; exit 0", "exit 77"):
            with self.subTest(script):
                result = self.live(script)
                self.assertIn(result.returncode, (USAGE, ENVIRONMENT), result.stderr)

    def test_a_time_that_is_none_is_never_the_same(self):
        for us in ('"nan"', "0", "-5", '"inf"'):
            with self.subTest(us):
                # The old program is this one behind a filter that replaces the times.
                result = self.live(f'"{BENCH}" "$@" | sed -u -E \'s/"us":[0-9.e+-]+/"us":{us}/\'')
                self.assertEqual(result.returncode, CANNOT_TELL, result.stdout + result.stderr)
                self.assertIn("no positive number", result.stdout)


class LongNames(HostileTest):
    def test_a_problem_name_of_250_kilobytes(self):
        config = self.write("c.json", {"problems": {"name": "n" * 250_000, "heads_q": 2, "seq_q": 33, "head_dim": 64},
                                       "variants": VARIANT, "measure": {"budget_s": 0.05}})
        result = self.run_here("--config", config, "--device", "cpu", "--output", "r", timeout=120)
        self.assertEqual(result.returncode, OK, result.stderr[-500:])


if __name__ == "__main__":
    unittest.main()
