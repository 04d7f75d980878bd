"""What the scripts say and exit with where they cannot do their work."""

import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])


def script(name, *arguments, **env):
    return subprocess.run([SOURCE / "scripts" / name, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **env}, check=False)


class Scripts(unittest.TestCase):
    def assert_refuses(self, result, code, *parts):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, result.stderr)
        for part in parts:
            self.assertIn(part, errors[0])

    def test_sanitize_without_its_tool_says_so(self):
        result = script("sanitize.sh", "memcheck", FLASHCORE_SANITIZER="/nowhere/sanitizer")
        self.assert_refuses(result, 4, "/nowhere/sanitizer is not installed")

    def test_sanitize_names_its_tools(self):
        self.assert_refuses(script("sanitize.sh", "memchek"), 2, "memchek", "memcheck racecheck initcheck synccheck")

    def test_fuzz_names_its_readers(self):
        self.assert_refuses(script("fuzz.sh", "10", "confg"), 2, "confg", "config", "results")

    def test_fuzz_wants_seconds(self):
        self.assert_refuses(script("fuzz.sh", "long"), 2, "long: expected seconds")


if __name__ == "__main__":
    unittest.main()
