"""Plug-ins whose code crashes, hangs or prints where it is loaded, asked or diagnosed, and their processes: one line or one row."""

import json
import signal
import subprocess
import time
import unittest

from hostile import ENVIRONMENT, ONE_THREAD
from plugins import ATTACKED, DIAGNOSE, ENDS, OTHER, OURS, PLUGIN, PROBLEM, RUN, PluginTest

from bench import BENCH, environment


class Describing(PluginTest):
    """Code that runs when a plug-in is loaded or asked: never in the program's own process."""

    def test_a_plugin_that_cannot_be_loaded_is_one_line(self):
        for place, commands in (("constructor", (("list",), ("info",), RUN, DIAGNOSE)), ("entry", (("list",),))):
            for deed, how in ENDS.items():
                for command in commands:
                    with self.subTest(f"{place}:{deed} {command[0]}"):
                        self.assert_error(self.attack(f"{place}:{deed}", *command), ENVIRONMENT, "--plugin: ", PLUGIN, how)

    def test_unsupported_that_fails_is_one_row_of_a_list(self):
        for deed, how in ENDS.items():
            result = self.attack(f"unsupported:{deed}", "list", "--family", "hostile", "--device", "cpu", "--json")
            self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
            first, second = json.loads(result.stdout)
            self.assertFalse(first["runs_here"])
            self.assertIn(how, first["reason"])
            self.assertTrue(second["runs_here"])

    def test_unsupported_that_fails_is_one_reason_of_info(self):
        result = self.attack("unsupported:abort", "info", "--json")
        self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
        family = json.loads(result.stdout)["families"][-1]
        self.assertEqual((family["variants"], family["run_here"]), (2, 1))
        self.assertIn("SIGABRT", family["reasons"][0])

    def test_a_dry_run_tells_it(self):
        for command in ((), ("tune",)):
            result = self.attack("unsupported:abort", *command, "--dry-run", "--device", "cpu", "--problem", PROBLEM,
                                 "--variants", "hostile/*")
            self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
            self.assertIn("SIGABRT", result.stdout + result.stderr)
            self.assertIn(OTHER, result.stdout)

    def test_auto_chooses_another(self):
        result = self.attack("unsupported:exit", "--variants", "auto", "--device", "cpu", "--problem", PROBLEM, "--dry-run")
        self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
        self.assertIn(OTHER, result.stdout)
        self.assertIn(ENDS["exit"], result.stderr)

    def test_tune_keeps_the_others(self):
        result = self.attack("unsupported:abort", "tune", *RUN, "--output", "t")
        self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
        records = json.loads((self.folder / "t.records.json").read_text())["records"]
        self.assertEqual({record["variant"]: record["status"] for record in records},
                         {ATTACKED: "crashed", OTHER: "ok", OURS: "ok"})

    def test_what_it_prints_stays_off_standard_output(self):
        for place in ("constructor", "entry", "unsupported", "workspace", "launch"):
            with self.subTest(place):
                clean = json.loads(self.assert_ok(self.attack(f"{place}:print", "list", "--device", "cpu", "--json")))
                self.assertEqual(clean[-1]["family"], "hostile")
        for place in ("constructor", "launch"):
            answer = json.loads(self.attack(f"{place}:print", *DIAGNOSE).stdout)
            self.assertEqual(answer["findings"][0]["outcome"], "passed")


class Diagnosing(PluginTest):
    def test_it_goes_on_after_the_probe_that_died(self):
        for deed, how in ENDS.items():
            with self.subTest(deed):
                result = self.attack(f"launch:{deed}", *DIAGNOSE)
                self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
                answer = json.loads(result.stdout)
                self.assertEqual(answer["faults"][0]["fault"], "crash")
                self.assertIn(how, answer["sentence"])
                crashed = [one["probe"] for one in answer["findings"] if one["outcome"] == "crashed"]
                self.assertEqual(len(crashed), 3)
                self.assertEqual(answer["findings"][-1]["outcome"], "skipped")

    def test_the_probes_after_a_late_death_are_answered(self):
        answer = json.loads(self.attack("late:abort", *DIAGNOSE).stdout)
        outcomes = [one["outcome"] for one in answer["findings"]]
        self.assertIn("passed", outcomes[:outcomes.index("crashed")])
        self.assertIn("passed", outcomes[outcomes.index("crashed"):])

    def test_other_places(self):
        for deed in ("unsupported:abort", "workspace:exit", "launch:forge", "launch:garble", "launch:fork"):
            with self.subTest(deed):
                result = self.attack(deed, *DIAGNOSE)
                self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
                self.assertEqual(json.loads(result.stdout)["faults"][0]["fault"], "crash")


class Lifetime(PluginTest):
    """Processes that refuse to end with the program."""

    def start_and_kill(self, deed, *arguments):
        pids = self.folder / "pids"
        pids.unlink(missing_ok=True)
        process = subprocess.Popen([BENCH, "--plugin", PLUGIN, *arguments], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=environment(HOSTILE=deed, HOSTILE_PIDS=pids, **ONE_THREAD))
        deadline = time.monotonic() + 60
        while not (pids.exists() and pids.read_text().endswith("\n")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assert_all_end()

    def test_twenty_kills_of_diagnose_leave_no_orphan(self):
        for number in range(20):
            self.start_and_kill(f"launch:{('hide', 'refuse')[number % 2]}", *DIAGNOSE, "--timeout", "60")

    def test_kills_of_run_list_and_tune_leave_no_orphan(self):
        slow = (*RUN, "--timeout", "60", "--format", "json", "--output", "r")
        for deed in ("unsupported:refuse", "launch:refuse", "launch:hide", "launch:daemon"):
            self.start_and_kill(deed, *slow)
        self.start_and_kill("launch:refuse", "tune", *RUN, "--timeout", "60", "--output", "t", "--fresh")
        self.start_and_kill("constructor:refuse", "list")


if __name__ == "__main__":
    unittest.main()
