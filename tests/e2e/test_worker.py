"""Worker processes: variants that fail in every way, and workers that exit when they should."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from bench import BENCH, TINY, BenchTest, environment, run

DRILL = os.environ["FLASHCORE_DRILL_PLUGIN"]
PROBLEM = "batch=1,heads_q=2,seq_q=33,seq_kv=1,head_dim=64,dtype=bf16"
USAGE, ENVIRONMENT = 2, 4

# The expected status of drill/bf16_d64_kv1, kv2, … and a part of its reason.
OUTCOMES = {1: ("ok", ""), 2: ("crashed", "SIGABRT"), 3: ("crashed", "SIGSEGV"), 4: ("timeout", "--timeout"),
            5: ("out_of_memory", "memory"), 6: ("incorrect", ""), 7: ("incorrect", ""),
            8: ("crashed", "the drill aborts"), 9: ("timeout", "sample"), 10: ("ok", "")}
if os.environ["FLASHCORE_SANITIZERS"]:  # sanitizers lift the memory limit and report null pointers themselves
    del OUTCOMES[5]
    OUTCOMES[3] = ("crashed", "")


def children_of(pid):
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


class Drill(BenchTest):
    def drill(self, *arguments, code):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.json"
            result = run("--plugin", DRILL, "--device", "cpu", "--problem", PROBLEM, "--budget", "0.5", "--timeout",
                         "2", "--format", "json", "--output", path, *arguments)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertEqual(result.stdout, "", "a plug-in's output must not go to standard output")
            return json.loads(path.read_text())["records"]

    def test_each_bad_variant_is_a_record_and_each_good_one_is_timed(self):
        variants = ",".join(f"drill/*_kv{number}" for number in OUTCOMES)
        records = self.drill("--variants", f"cpu_scalar/*,{variants}", code=1)
        ours, drilled = records[:1], records[1:]
        self.assertEqual(len(drilled), len(OUTCOMES))
        for record, (status, reason) in zip(drilled, OUTCOMES.values()):
            with self.subTest(record["variant"]):
                self.assertEqual(record["status"], status, record)
                self.assertIn(reason, record.get("reason", ""))
                self.assertEqual("timing" in record, status == "ok")
        for record in ours + [drilled[0], drilled[-1]]:
            for clock in ("hot_us", "call_us"):
                self.assertGreater(record["timing"][clock]["median"], 0)

    def test_exit_codes(self):
        self.drill("--variants", "drill/*_kv1,drill/*_kv10", code=0)
        self.drill("--variants", "drill/*_kv1,drill/*_kv6", code=1)
        self.drill("--variants", "drill/*_kv1,drill/*_kv2", code=ENVIRONMENT)

    def test_in_process_runs_the_same(self):
        records = self.drill("--in-process", "--variants", "cpu_scalar/*", code=0)
        self.assertEqual([record["status"] for record in records], ["ok"])


class Lifetime(BenchTest):
    """Runs that end while a variant is in an endless loop."""

    def start(self, *arguments):
        """The run, and the process id of its worker once the worker is in the loop."""
        with tempfile.TemporaryDirectory() as folder:
            mark = pathlib.Path(folder) / "mark"
            process = subprocess.Popen(
                [BENCH, "--plugin", DRILL, "--device", "cpu", "--problem", PROBLEM, "--variants", "drill/*_kv4",
                 "--format", "table", *arguments],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(DRILL_MARK=mark))
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            self.assertTrue(wait_for(mark.exists))
        return process, children_of(process.pid)[0]

    def test_a_worker_dies_with_its_parent(self):
        process, worker = self.start()
        process.kill()
        process.wait()
        self.assertTrue(wait_for(lambda: not pathlib.Path(f"/proc/{worker}").exists()))

    def test_a_killed_worker_costs_one_record(self):
        process, worker = self.start()
        os.kill(worker, signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, ENVIRONMENT)
        self.assertIn("crashed", out.decode())

    def test_only_the_parent_handles_an_interrupt(self):
        process, worker = self.start("--timeout", "5")
        os.kill(worker, signal.SIGINT)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("timeout", out.decode(), "the worker must run until its time limit")
        self.assertFalse(pathlib.Path(f"/proc/{worker}").exists())


class Start(BenchTest):
    def test_an_error_at_the_start_is_reported_once(self):
        self.assert_error(run("--device", "cuda:999", "--problem", TINY), ENVIRONMENT, "--device cuda")

    def test_timeout_must_be_positive(self):
        self.assert_error(run("--timeout", "0"), USAGE, "--timeout: 0 is out of range")
        self.assert_error(run("--timeout", "soon"), USAGE, "--timeout: must be a number")

    def test_a_worker_speaks_json_lines(self):
        result = run("worker", "--device", "cpu", stdin='{"call": "variants"}\nnonsense\n')
        hello, variants, failure = map(json.loads, self.assert_ok(result).splitlines())
        self.assertEqual(hello["device"]["backend"], "cpu")
        self.assertIn("cpu_scalar/fp16_d64", variants["result"])
        self.assertEqual(failure["failure"]["status"], "error")


if __name__ == "__main__":
    unittest.main()
