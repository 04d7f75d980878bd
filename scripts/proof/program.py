"""flashcore-bench and the other programs of a build, run for a proof; what they print is kept."""

import dataclasses
import json
import os
import pathlib
import subprocess
import time


class StepError(Exception):
    """A program did not do its part; the text says which, and where its output is."""


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
    folder: pathlib.Path  # of this step's files
    device: str
    scale: float = 1      # of budgets and counts; below 1 for a try

    @property
    def backend(self):
        return self.device.split(":")[0]

    @property
    def bench(self):
        return self.build / "flashcore-bench"

    def count(self, whole):
        """How many tries, at this scale."""
        return max(round(whole * self.scale), 2)

    def budget(self, seconds):
        return f"{seconds * self.scale:g}"

    def run(self, name, command, codes=(0,), stdin="", **environment):
        """Keeps what is printed as NAME.log. Raises StepError on an exit code that is not one of `codes`."""
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
        """Runs a config, given as an object; its records, which stay in NAME.json."""
        self.run(name, [self.bench, "--config", "-", "--device", self.device, "--format", "json", "--output",
                        self.folder / name, *options], codes, json.dumps(config), **environment)
        return read_records(self.folder / f"{name}.json")

    def environment(self):
        """What the step's newest result file says of build, device and host, or nothing."""
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
    """None where it was not taken."""
    timing = record.get("timing", {}).get("hot_us")
    return timing and timing["median"]
