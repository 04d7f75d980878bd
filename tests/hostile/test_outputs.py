"""Outputs: no input and no foreign file is replaced, no run loses another's, devices stay devices."""

import fcntl
import json
import os
import pathlib
import signal
import stat
import subprocess
import threading
import time
import unittest

from hostile import (BENCH, ENVIRONMENT, INTERRUPTED, ONE_THREAD, QUICK, TINY, USAGE, VARIANT, HostileTest, environment,
                     record, results, table, table_entry)


class Names(HostileTest):
    def test_a_config_cannot_name_a_file_with_a_nul(self):
        kept = self.write("dot_bashrc", "alias ls='ls -l'\n")
        for key, text in (("output", "dot_bashrc\0x"), ("output", "a\x1b[2Jb")):
            config = self.write("c.json", {"problems": {}, "report": {key: text}})
            self.assert_refused(self.run_here("--config", config, "--device", "cpu"), {kept: kept.read_bytes()},
                                f"/report/{key}: must have no control characters")
        config = self.write("c.json", {"problems": {"name": "a\nb"}})
        self.assert_error(self.run_here("--config", config, "--device", "cpu"), USAGE, "/problems/name")

    def test_text_after_a_nul_is_not_ignored(self):
        config = self.folder / "c.json"
        config.write_bytes(b'{"problems": {}}\0{"problems": 1}')
        self.assert_error(self.run_here("--config", config, "--dry-run", "--device", "cpu"), USAGE, "c.json: line 1", "NUL")


class Inputs(HostileTest):
    def test_no_command_replaces_its_inputs(self):
        config = self.write("mine.json", {"name": "mine", "problems": {"seq_q": 8, "head_dim": 64}, "variants": VARIANT})
        base = self.write("base.json", results(record()))
        new = self.write("new.json", results(record(2)))
        tuned = self.write("tuned.json", table(table_entry()))
        (self.folder / "link.json").symlink_to("base.json")
        os.link(base, self.folder / "hard.json")
        kept = {path: path.read_bytes() for path in (config, base, new, tuned)}
        for arguments in (("--config", config, "--output", "mine", "--device", "cpu"),
                          ("tune", "--config", config, "--output", "mine", "--device", "cpu"),
                          ("--config", config, "--output", "tuned", "--device", "cpu"),
                          ("compare", base, new, "--write", "junit=base.json"),
                          ("compare", base, new, "--write", "json=link.json"),
                          ("report", new, "--base", base, "--format", "json", "-o", "base.json"),
                          ("report", new, "--base", base, "--format", "json", "-o", "hard.json"),
                          ("merge", tuned, "-o", "tuned.json")):
            for force in ((), ("--force",)):
                if force and "tuned" in arguments:  # no input here, only another kind of file
                    continue
                with self.subTest(arguments=arguments, force=force):
                    self.assert_refused(self.run_here(*arguments, *force), kept)

    def test_a_journal_is_an_input_of_merge(self):
        self.assert_ok(self.run_here("tune", "--device", "cpu", "--problem", TINY, "--variants", VARIANT, "--budget",
                                     "0.05", "--output", "t"))
        journal = self.folder / "t.journal.jsonl"
        self.assert_refused(self.run_here("merge", journal, "-o", journal), {journal: journal.read_bytes()}, "is an input")


class Foreign(HostileTest):
    def test_files_of_others_are_kept_without_force(self):
        base, new = self.write("base.json", results(record())), self.write("new.json", results(record(2)))
        for name, format_name in (("a.json", "json"), ("a.xml", "junit"), ("a.md", "markdown"), ("a.txt", "table"),
                                  ("b.json", "bencher"), ("c.json", "customSmallerIsBetter"),
                                  ("d.json", "google-benchmark")):
            with self.subTest(format_name):
                foreign = self.write(name, '{"mine": 1}\n')
                arguments = ("compare", base, new, "--write", f"{format_name}={name}")
                self.assert_refused(self.run_here(*arguments), {foreign: foreign.read_bytes()}, "--write", "--force")
                for force in (("--force",), ()):  # then it is the program's own
                    result = self.run_here(*arguments, *force)
                    self.assertEqual(result.returncode, 1, result.stderr)

    def test_reports_replace_reports(self):
        new = self.write("new.json", results(record(2)))
        for name in ("r.html", "r.md", "r.csv", "r.json"):
            with self.subTest(name):
                foreign = self.write(name, "mine\n")
                self.assert_refused(self.run_here("report", new, "-o", name), {foreign: b"mine\n"}, "--output", "--force")
                self.assert_ok(self.run_here("report", new, "-o", name, "--force"))
                self.assert_ok(self.run_here("report", new, "-o", name))

    def test_runs_and_sweeps_replace_their_own(self):
        for _ in range(2):
            self.assert_ok(self.run_here(*QUICK, "--output", "r"))
            self.assert_ok(self.run_here("tune", *QUICK, "--output", "t", "--fresh"))
        foreign = self.write("r.csv", "my,data\n")
        self.assert_refused(self.run_here(*QUICK, "--output", "r"), {foreign: b"my,data\n"}, "r.csv", "--force")
        self.assert_ok(self.run_here(*QUICK, "--output", "r", "--force"))


class AtOnce(HostileTest):
    def test_default_names_are_unique(self):
        count = 10
        started = [self.start(*QUICK) for _ in range(count)]
        for process in started:
            _, errors = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, errors)
        for extension in (".json", ".csv"):
            self.assertEqual(len(list(self.folder.glob("results/*/*" + extension))), count)

    def test_a_named_output_belongs_to_one_run(self):
        path = self.write("r.json", results(record()))
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.assert_refused(self.run_here(*QUICK, "--output", "r"), {path: path.read_bytes()}, "another run")
        self.assert_ok(self.run_here(*QUICK, "--output", "r"))
        self.assertEqual(self.names(), ["r.csv", "r.json"])

    def test_one_file_is_not_written_twice(self):
        base = self.write("base.json", results(record()))
        self.assert_error(self.run_here("compare", base, base, "--write", "json=c", "--write", "junit=c"), USAGE, "twice")


class Nodes(HostileTest):
    def report(self, output, **options):
        new = self.write("new.json", results(record(2)))
        return self.run_here("report", new, "--format", "csv", "-o", output, **options)

    def test_the_mode_is_kept(self):
        path = self.write("r.csv", "")
        path.chmod(0o640)
        self.assert_ok(self.report("r.csv"))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        self.assertGreater(path.stat().st_size, 0)

    def test_a_planted_name_is_not_followed(self):
        victim = self.write("victim", "mine")
        process = self.start("--version")
        process.communicate()
        for pid in range(process.pid, process.pid + 2000):
            (self.folder / f"r.csv.tmp{pid}").symlink_to("victim")
        self.assert_ok(self.report("r.csv"))
        self.assertEqual(victim.read_text(), "mine")

    def test_devices_stay_devices(self):
        self.assert_ok(self.report("/dev/null"))
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())
        self.assert_error(self.report("/dev/full"), ENVIRONMENT, "/dev/full: cannot be written")

    def test_standard_output_is_written_to(self):
        for output in ("/dev/stdout", "/proc/self/fd/1"):
            self.assertIn("problem.name,", self.assert_ok(self.report(output)))
        text = self.assert_ok(self.run_here(*QUICK, "--format", "json", "--output", "/dev/stdout"))
        self.assertEqual(len(json.loads(text)["records"]), 1)
        with open(self.folder / "out", "w") as out:
            subprocess.run([BENCH, "report", "new.json", "--format", "csv", "-o", "/dev/stdout"], stdout=out,
                           cwd=self.folder, check=True, env=environment(), stderr=subprocess.DEVNULL)
            out.flush()
        self.assertIn("problem.name,", (self.folder / "out").read_text())

    def test_a_fifo_is_written_to(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        received = []
        reader = threading.Thread(target=lambda: received.append(fifo.read_text()))
        reader.start()
        self.assert_ok(self.report("fifo"))
        reader.join()
        self.assertIn("problem.name,", received[0])
        self.assertTrue(fifo.is_fifo())

    def test_links_are_kept(self):
        (self.folder / "link.csv").symlink_to("later.csv")
        self.assert_ok(self.report("link.csv"))
        self.assertTrue((self.folder / "link.csv").is_symlink())
        self.assertIn("problem.name,", (self.folder / "later.csv").read_text())


class Signals(HostileTest):
    LONG = ("--device", "cpu", "--variants", VARIANT, "--output", "r", "--problem",
            "head_dim=64,seq_q=" + ":".join(map(str, range(1, 400))), "--budget", "300")

    def first_record(self, process):
        path = self.folder / "r.json"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if path.exists() and json.loads(path.read_text())["records"]:
                return
            time.sleep(0.02)

    def test_a_hang_up_keeps_what_an_interrupt_keeps(self):
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                process = self.start(*self.LONG)
                self.first_record(process)
                process.send_signal(number)
                _, errors = process.communicate(timeout=60)
                self.assertEqual(process.returncode, INTERRUPTED, errors)
                self.assertIn("interrupted", errors)
                self.assertTrue(json.loads((self.folder / "r.json").read_text())["records"])
                self.assertEqual(self.names(), ["r.csv", "r.json"])
                (self.folder / "r.json").unlink()

    def test_nohup_is_respected(self):
        process = self.start(*QUICK, "--output", "r", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        for _ in range(20):
            if process.poll() is None:
                process.send_signal(signal.SIGHUP)
                time.sleep(0.01)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)

    def test_a_kill_leaves_no_temporary_name(self):
        for delay in (0.1, 0.2, 0.3, 0.4, 0.5):
            process = self.start(*self.LONG)
            time.sleep(delay)
            process.kill()
            process.communicate()
            if (self.folder / "r.json").exists():
                json.loads((self.folder / "r.json").read_text())
        (self.folder / ".flashcore-0123456789abcdef").write_text("of a kill between two steps")
        self.assert_ok(self.run_here(*QUICK, "--output", "r"))
        self.assertEqual(self.names(), ["r.csv", "r.json"])


class Streams(HostileTest):
    def bench(self, *arguments, redirect=""):
        command = f'exec "$0" "$@" {redirect}'
        return subprocess.run(["/bin/sh", "-c", command, BENCH, *map(str, arguments)], capture_output=True, text=True,
                              cwd=self.folder, env=environment(**ONE_THREAD), timeout=60)

    LOUD = QUICK[:-1]  # without --quiet

    def test_a_full_or_closed_standard_error_is_no_error(self):
        for redirect in ("2>/dev/full", "2>&-"):
            with self.subTest(redirect):
                self.assertEqual(self.bench(*self.LOUD, "--output", "r", redirect=redirect).returncode, 0)
                self.assertEqual(self.bench("--confg", redirect=redirect).returncode, USAGE)
                self.assertEqual(len(json.loads((self.folder / "r.json").read_text())["records"]), 1)

    def test_a_full_or_closed_standard_output_is_an_error(self):
        base = self.write("base.json", results(record()))
        for redirect in (">/dev/full", ">&-"):
            for arguments in ((*self.LOUD, "--output", "r"), ("list",), ("compare", base, base),
                              ("report", base, "--format", "csv")):
                with self.subTest(redirect=redirect, arguments=arguments):
                    result = self.bench(*arguments, redirect=redirect)
                    self.assertEqual(result.returncode, ENVIRONMENT, result.stderr)


if __name__ == "__main__":
    unittest.main()
