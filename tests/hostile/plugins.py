"""What the attacks of plug-ins share: the plug-in that does what HOSTILE names, and a run of its variants."""

import json
import os
import pathlib
import time

from hostile import HostileTest

PLUGIN = os.environ["FLASHCORE_HOSTILE_PLUGIN"]
SANITIZED = bool(os.environ["FLASHCORE_SANITIZERS"])
ATTACKED, OTHER, OURS = "hostile/bf16_d64_kv1", "hostile/bf16_d64_kv2", "cpu_scalar/bf16_d64"
PROBLEM = "batch=1,heads_q=2,seq_q=33,seq_kv=1,head_dim=64,dtype=bf16"
RUN = ("--device", "cpu", "--problem", PROBLEM, "--variants", "hostile/*,cpu_scalar/bf16_d64", "--budget", "0.2",
       "--quiet")
DIAGNOSE = ("-q", "diagnose", ATTACKED, "--problem", "seq_q=33,seq_kv=1", "--json")

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
        """Only what never ends has a short time limit: this machine may be busy."""
        arguments = (*arguments, "--timeout", "2" if deed.endswith((":loop", ":refuse")) else "60")
        return self.run_here("--plugin", PLUGIN, *arguments, HOSTILE=deed, HOSTILE_PIDS=self.folder / "pids", **options)

    def rows(self, deed):
        """The records of a run by variant, and the run."""
        result = self.attack(deed, *RUN, "--format", "json", "--output", "r")
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
