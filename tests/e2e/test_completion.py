"""The completions of bash, zsh and fish, which the program writes from its own options."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from bench import BenchTest, run, timing_modes

BASH = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_flashcore_bench
printf '%s\\n' "${COMPREPLY[@]}"
"""

# zsh completes inside of its editor alone: the function is called as the editor does, and shows what it would offer.
ZSH = """
compdef() { : }
_arguments() { shift 3; print -rl -- "$@" }
source "$1"; shift
words=("$@") CURRENT=$#
_flashcore_bench
"""


def commands():
    listed = run("--help").stdout.split("Subcommands:")[1].split("Exit codes:")[0]
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def long_options(*command):
    text = re.sub(r"Exit codes:.*", "", run(*command, "--help").stdout, flags=re.DOTALL)
    return set(re.findall(r"(?m)^  (?:-\w,)?(--[\w-]+)", text))


class CompletionTest(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "results.json").write_text("{}")

    def script(self, shell):
        path = self.folder / f"completion.{shell}"
        path.write_text(self.assert_ok(run("completion", shell)))
        return path

    def shell(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        result = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.split("\n")[:-1]

    def bash(self, *words):
        return self.shell("bash", "--norc", "-uc", BASH, "bash", self.script("bash"), "flashcore-bench", *words)

    def fish(self, line):
        script = f"source {self.script('fish')}; complete -C 'flashcore-bench {line}'"
        return [entry.split("\t")[0] for entry in self.shell("fish", "--no-config", "-c", script)]

    def zsh(self, *words):
        return self.shell("zsh", "-fc", ZSH, "zsh", self.script("zsh"), "flashcore-bench", *words)


class Bash(CompletionTest):
    def test_commands(self):
        self.assertEqual(sorted(self.bash("")), sorted(commands()))
        self.assertEqual(self.bash("comp"), ["compare"])

    def test_every_option_of_every_command(self):
        common = long_options() - long_options("run")
        self.assertEqual(set(self.bash("--")), long_options())
        for command in commands():
            if command != "run":
                offered = set(self.bash(command, "--"))
                self.assertLessEqual(long_options(command), offered, command)
                self.assertEqual(offered - long_options(command) - common, set(), command)

    def test_words_of_values(self):
        self.assertEqual(self.bash("compare", "--clock", ""), timing_modes())
        self.assertEqual(self.bash("--pacing", "bu"), ["burst"])
        self.assertEqual(self.bash("run", "--depth", "=", "de"), ["deep"])
        self.assertEqual(self.bash("report", "--format", "=", ""), ["table", "json", "csv", "html", "markdown", "junit",
                                                                "bencher", "customSmallerIsBetter", "google-benchmark"])
        self.assertEqual(self.bash("list", "--dtype", "fp16,b"), ["fp16,bf16"])
        self.assertIn("l4", self.bash("tune", "--config", ""))

    def test_files_only_where_they_can_stand(self):
        self.assertEqual(self.bash("report", "res"), ["results.json"])
        self.assertEqual(self.bash("compare", "--policy", "res"), ["results.json"])
        self.assertEqual(self.bash("list", "res"), [""])
        self.assertEqual(self.bash("--seed", ""), [""])


class Fish(CompletionTest):
    def test_commands_and_words(self):
        self.assertEqual(sorted(self.fish("")), sorted(commands()))
        self.assertEqual(self.fish("compare --clock "), sorted(timing_modes()))
        self.assertEqual(self.fish("--pacing bu"), ["burst"])
        self.assertEqual(self.fish("report --form"), ["--format"])
        self.assertEqual(self.fish("list --pacing bu"), [])

    def test_files(self):
        self.assertEqual(self.fish("report res"), ["results.json"])
        self.assertEqual(self.fish("list res"), [])


class Zsh(CompletionTest):
    def test_options_with_their_words(self):
        offered = "\n".join(self.zsh("compare", "--"))
        self.assertEqual(set(re.findall(r"(--[\w-]+)=?\[", offered)),
                         long_options("compare") | (long_options() - long_options("run")) - self.run_only())
        self.assertIn(f":CLOCK:({' '.join(timing_modes())})", offered)
        self.assertIn("*:FILE:_files", offered)

    def run_only(self):
        """The options of a run that no other command has."""
        groups = run("--help").stdout.split("Messages:")[0]
        return set(re.findall(r"(?m)^  (?:-\w,)?(--[\w-]+)", groups))

    def test_commands(self):
        offered = self.zsh("")
        self.assertIn("1:command:{_describe command commands}", offered)
        self.assertTrue(any(line.startswith("*--format=[") for line in offered))


class Command(BenchTest):
    def test_an_unknown_shell_is_a_usage_error(self):
        result = run("completion", "bsh")
        self.assertEqual(result.returncode, 2)
        self.assertIn("did you mean bash?", result.stderr)

    def test_help_does_not_list_it(self):
        self.assertNotIn("completion", run("--help").stdout)


if __name__ == "__main__":
    unittest.main()
