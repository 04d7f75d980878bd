"""Launches that crash, hang, forge, fork and change the process: each costs one row of a run, and the others are well."""

import unittest

from hostile import ENVIRONMENT, OK
from plugins import ATTACKED, ENDS, OTHER, OURS, PluginTest


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

    def test_a_worker_that_refuses_is_ended_at_the_time_limit(self):
        self.assert_one_row("launch:refuse", "timeout", "--timeout")
        self.assert_all_end()


if __name__ == "__main__":
    unittest.main()
