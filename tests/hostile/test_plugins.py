"""Plug-ins whose functions crash, hang, print, forge, fork and change the process: each costs one row or one line."""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from hostile import ENVIRONMENT, OK, ONE_THREAD, HostileTest, run

from bench import BENCH, environment

PLUGIN = os.environ["FLASHCORE_HOSTILE_PLUGIN"]
SANITIZED = os.environ["FLASHCORE_SANITIZED"] == "1"
ATTACKED, OTHER, OURS = "hostile/bf16_d64_kv1", "hostile/bf16_d64_kv2", "cpu_scalar/bf16_d64"
PROBLEM = "batch=1,heads_q=2,seq_q=33,seq_kv=1,head_dim=64,dtype=bf16"
RUN = ("--device", "cpu", "--problem", PROBLEM, "--variants", "hostile/*,cpu_scalar/bf16_d64", "--budget", "0.2",
       "--timeout", "2", "--quiet", "--format", "json", "--output", "r")
DIAGNOSE = ("-q", "diagnose", ATTACKED, "--problem", "seq_q=33,seq_kv=1", "--timeout", "2", "--json")

# The end of a process at a place, and how the program says it.
ENDS = {"abort": "SIGABRT", "loop": "2 s (--timeout)",
        "exit": "exited with code" if SANITIZED else "exited with code 0"}  # a sanitizer may have something to report


def is_alive(process):
    """True if it runs. A process that nobody waits for may stay as a zombie."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class PluginTest(HostileTest):
    def attack(self, deed, *arguments, **options):
        return self.run_here("--plugin", PLUGIN, *arguments, HOSTILE=deed, HOSTILE_PIDS=self.folder / "pids", **options)

    def rows(self, deed):
        """The records of a run by variant, and the run."""
        result = self.attack(deed, *RUN)
        self.assertEqual(result.stdout, "")
        records = json.loads((self.folder / "r.json").read_text())["records"]
        return {record["variant"]: record for record in records}, result

    def assert_one_row(self, deed, status, *parts):
        """The attacked variant has this status, the others are well."""
        rows, result = self.rows(deed)
        self.assertEqual(set(rows), {ATTACKED, OTHER, OURS})
        self.assertEqual(rows[ATTACKED]["status"], status, rows[ATTACKED])
        for part in parts:
            self.assertIn(part, rows[ATTACKED]["reason"])
        for other in (OTHER, OURS):
            self.assertEqual(rows[other]["status"], "ok", rows[other])
        return result

    def assert_all_end(self):
        path = self.folder / "pids"
        processes = [int(line) for line in path.read_text().split()] if path.exists() else []
        self.assertTrue(processes)
        deadline = time.monotonic() + 30
        while any(map(is_alive, processes)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse([process for process in processes if is_alive(process)])


class Describing(PluginTest):
    """Code that runs when a plug-in is loaded or asked: never in the program's own process."""

    def test_a_plugin_that_cannot_be_loaded_is_one_line(self):
        for place in ("constructor", "entry"):
            for deed, how in ENDS.items():
                for command in (("list", "--timeout", "2"), ("info", "--timeout", "2"), RUN, DIAGNOSE):
                    with self.subTest(f"{place}:{deed} {command[0]}"):
                        self.assert_error(self.attack(f"{place}:{deed}", *command), ENVIRONMENT, "--plugin: ", PLUGIN, how)

    def test_unsupported_that_fails_is_one_row_of_a_list(self):
        for deed, how in ENDS.items():
            result = self.attack(f"unsupported:{deed}", "list", "--family", "hostile", "--device", "cpu", "--json",
                                 "--timeout", "2")
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
        result = self.attack("unsupported:abort", "tune", *RUN[:-4], "--output", "t")
        self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)
        records = json.loads((self.folder / "t.records.json").read_text())["records"]
        self.assertEqual({record["variant"]: record["status"] for record in records},
                         {ATTACKED: "crashed", OTHER: "ok", OURS: "ok"})

    def test_what_it_prints_stays_off_standard_output(self):
        for place in ("constructor", "entry", "unsupported", "workspace", "launch"):
            with self.subTest(place):
                clean = json.loads(self.assert_ok(self.attack(f"{place}:print", "list", "--device", "cpu", "--json")))
                self.assertEqual(clean[-1]["family"], "hostile")
                answer = json.loads(self.attack(f"{place}:print", *DIAGNOSE).stdout)
                self.assertEqual(answer["findings"][0]["outcome"], "passed")


class Running(PluginTest):
    def test_each_place_and_each_end_is_one_row(self):
        for place in ("unsupported", "workspace", "launch", "late"):
            for deed, how in ENDS.items():
                with self.subTest(f"{place}:{deed}"):
                    result = self.assert_one_row(f"{place}:{deed}", "timeout" if deed == "loop" else "crashed", how)
                    self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)

    def test_forged_lines_are_one_row(self):
        for place in ("launch", "late"):
            self.assert_one_row(f"{place}:forge", "crashed", "answers no request")
            self.assert_one_row(f"{place}:garble", "crashed", "answer of the worker")

    def test_a_fork_is_one_row_that_names_it(self):
        for place in ("launch", "late"):
            for deed in ("fork", "daemon"):
                self.assert_one_row(f"{place}:{deed}", "crashed", "must not fork")
        self.assert_all_end()

    def test_closed_descriptors_are_one_row(self):
        self.assert_one_row("launch:close", "crashed")

    def test_changed_inputs_are_one_row(self):
        self.assert_one_row("launch:inputs", "incorrect", "changes its inputs")

    def test_what_a_launch_changes_is_restored_and_said(self):
        changes = {"round": "the rounding of numbers", "ftz": "the rounding of numbers", "size": "the limits of the process",
                   "signals": "the signal handlers", "alarm": "the timers of the process", "folder": "the working folder"}
        for deed, what in changes.items():
            with self.subTest(deed):
                rows, result = self.rows(f"launch:{deed}")
                self.assertEqual(result.returncode, OK, result.stderr)
                self.assertIn(f"a launch changed {what}: restored", rows[ATTACKED].get("warnings", []))
                for other in (OTHER, OURS):
                    self.assertNotIn("restored", str(rows[other].get("warnings")))
                    self.assertEqual(rows[other]["status"], "ok", rows[other])

    def test_a_thread_that_goes_on_ends_with_its_worker(self):
        rows, result = self.rows("launch:thread")
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertIn("a launch left a thread that goes on: a new worker took over", rows[ATTACKED]["warnings"])
        self.assertEqual({row["status"] for row in rows.values()}, {"ok"})

    def test_a_well_behaved_plugin_has_no_such_warning(self):
        rows, result = self.rows("nowhere:nothing")
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertNotIn("launch", str(rows[ATTACKED].get("warnings")))


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
            self.start_and_kill(f"launch:{('hide', 'refuse')[number % 2]}", *DIAGNOSE[:-3], "--timeout", "60")

    def test_kills_of_run_list_and_tune_leave_no_orphan(self):
        slow = (*RUN[:-7], "--timeout", "60", "--output", "r")
        for deed in ("unsupported:refuse", "launch:refuse", "launch:hide", "launch:daemon"):
            self.start_and_kill(deed, *slow)
        self.start_and_kill("launch:refuse", "tune", *RUN[:-7], "--timeout", "60", "--output", "t", "--fresh")
        self.start_and_kill("constructor:refuse", "list")

    def test_a_worker_that_refuses_is_ended_at_the_time_limit(self):
        self.assert_one_row("launch:refuse", "timeout", "--timeout")
        self.assert_all_end()


if __name__ == "__main__":
    unittest.main()
