"""Runs flashcore-bench and the other programs of a build, and keeps their output."""

import dataclasses
import json
import os
import pathlib
import subprocess
import time


class StepError(Exception):
    """A program failed; the text names it and the file with its output."""


@dataclasses.dataclass
class Finished:
    code: int
    stdout: str
    stderr: str
    seconds: float


@dataclasses.dataclass
class Program:
    source: pathlib.Path  # the source tree
    build: pathlib.Path
    folder: pathlib.Path  # for the files of this step
    device: str
    scale: float = 1      # of time budgets and numbers of tries
    jobs: int = 1         # runs at once, in steps that do not compare times

    @property
    def backend(self):
        return self.device.split(":")[0]

    @property
    def bench(self):
        return self.build / "flashcore-bench"

    def count(self, whole):
        """The number of tries at this scale, at least 2."""
        return max(round(whole * self.scale), 2)

    def budget(self, seconds):
        return f"{seconds * self.scale:g}"

    def run(self, name, command, codes=(0,), stdin="", **environment):
        """Writes the output to NAME.log. Raises StepError when the exit code is not one of `codes`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        result = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True,
                                check=False, env={**os.environ, **environment})
        seconds = time.monotonic() - begin
        log = self.folder / f"{name}.log"
        log.write_text(result.stdout + result.stderr, encoding="utf-8")
        if result.returncode not in codes:
            raise StepError(f"{pathlib.Path(command[0]).name} ended with {result.returncode}, see {log}")
        return Finished(result.returncode, result.stdout, result.stderr, seconds)

    def records(self, name, config, *options, codes=(0,), **environment):
        """Runs a config, given as an object; returns its records, which stay in NAME.json."""
        self.run(name, [self.bench, "--config", "-", "--device", self.device, "--format", "json", "--output",
                        self.folder / name, *options], codes, json.dumps(config), **environment)
        return read_records(self.folder / f"{name}.json")

    def environment(self):
        """Build, device and host, from the newest result file of this step; empty if it has none."""
        files = sorted(self.folder.rglob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files:
            found = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(found, dict) and "git" in found.get("environment", {}):
                return {key: value for key, value in found["environment"].items()
                        if key not in ("command_line", "config_hash")}
        return {}


def read_records(path):
    return json.loads(path.read_text(encoding="utf-8"))["records"]


def hot_us(record):
    """None if it was not measured."""
    timing = record.get("timing", {}).get("hot_us")
    return timing and timing["median"]
