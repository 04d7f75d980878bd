"""Runs flashcore-bench like a user, and compares its output with golden files."""

import functools
import json
import os
import pathlib
import re
import subprocess
import time
import unittest
import warnings

import jsonschema

BENCH = os.environ["FLASHCORE_BENCH"]
SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])
GOLDEN = SOURCE / "tests" / "golden" / "cli"
SCHEMAS = SOURCE / "configs" / "schema"

# A problem that takes almost no time on any machine.
TINY = "batch=1,heads_q=2,seq_q=33,head_dim=64"


def environment(**changes):
    """The caller's environment without variables that change the program's behaviour; None removes a variable."""
    env = {key: value for key, value in os.environ.items() if key not in ("FLASHCORE_CONFIG_DIR", "NO_COLOR")}
    for key, value in changes.items():
        env[key] = str(value)
    return env


def run(*arguments, stdin="", cwd=None, timeout=300, **env):
    return subprocess.run([BENCH, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          cwd=cwd, timeout=timeout, env=environment(**env))


def schema_validator(file):
    """A validator by a schema in configs/schema/, which may refer to the others there."""
    schema = json.loads((SCHEMAS / file).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # jsonschema 4.10 has no other resolver
        resolver = jsonschema.RefResolver((SCHEMAS / file).as_uri(), schema)
    return jsonschema.Draft7Validator(schema, resolver=resolver)


@functools.cache
def timing_modes():
    """The names of the timing modes, as the program lists them."""
    error = run("compare", "base.json", "new.json", "--clock", "?").stderr
    return re.search(r"one of: (.*)", error)[1].split(", ")


def wait_for_entry(path, key, seconds=120):
    """Waits until the list `key` of a growing file has an entry. A new file has none."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and json.loads(path.read_text())[key]:
            return
        time.sleep(0.01)


class BenchTest(unittest.TestCase):
    maxDiff = None

    def assert_error(self, result, code, *parts):
        """Expects one line on standard error that starts with the program's name and contains all parts."""
        self.assertEqual(result.returncode, code, result.stderr)
        errors = [line for line in result.stderr.splitlines() if ": error: " in line]
        self.assertEqual(len(errors), 1, result.stderr)
        self.assertTrue(errors[0].startswith("flashcore-bench: error: "), errors[0])
        for part in parts:
            self.assertIn(part, errors[0])
        self.assertEqual(result.stdout, "")

    def assert_ok(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def assert_golden(self, name, actual):
        """Compares texts without regard to whitespace, because versions of CLI11 format help differently.
        A list of all timing modes reads <timing modes> in the files.

        To accept an intended change, run with FLASHCORE_UPDATE_GOLDEN=1 and read the diff.
        """
        path = GOLDEN / name
        actual = actual.replace(", ".join(timing_modes()), "<timing modes>")
        if os.environ.get("FLASHCORE_UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8")
        golden = path.read_text(encoding="utf-8")
        self.assertEqual(re.sub(r"\s+", " ", actual), re.sub(r"\s+", " ", golden),
                         f"differs from {path}; FLASHCORE_UPDATE_GOLDEN=1 replaces it")
