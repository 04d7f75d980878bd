"""README.md and docs/: what scripts/readme_tables.py writes is up to date, links lead somewhere, commands exist and run."""

import functools
import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from bench import schema_validator

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])
BENCH = pathlib.Path(os.environ["FLASHCORE_BENCH"])
PACKAGE = os.environ.get("FLASHCORE_PYTHON_DIR", "")
sys.path.insert(0, str(SOURCE / "scripts"))

from pages import records  # noqa: E402  (found through the path above)

MOST_README_LINES = 150
USAGE, ENVIRONMENT, NOT_RUN, NOT_FOUND = 2, 4, 126, 127
# Programs of other people that the pages may call.
TOOLS = ("apt", "cc", "cmake", "cpack", "ctest", "export", "python3", "sbatch")

FENCE = re.compile(r"^ *```(\w+)?[ ]?([\w.]+)?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def pages():
    return [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("**/*.md"))]


def blocks(page, language):
    """(word after the language, text) of the page's code blocks in one language."""
    return [(mark, text) for found, mark, text in FENCE.findall(page.read_text()) if found == language]


def commands(text):
    """The command lines of a shell block, without comments, in words."""
    lines = [shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines()]
    return [words for words in lines if words]


def anchors(page):
    """The anchors that GitHub gives to the page's headings."""
    text = FENCE.sub("", page.read_text())
    titles = [re.sub(r"[`*\[\]]|\(\S+\)$", "", title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@functools.lru_cache(maxsize=None)
def help_text(*command):
    return subprocess.run([BENCH, *command, "--help"], capture_output=True, text=True, check=True).stdout


def known_commands():
    listed = help_text().split("Subcommands:")[1].split("Exit codes:")[0]
    return {line.split()[0] for line in listed.splitlines() if line.strip()}


def known_options(command):
    """Of a command: its own options and those that every command has; without a command, those of a run."""
    common = help_text().split("Messages:")[1].split("Subcommands:")[0]
    text = help_text() if command in (None, "run") else help_text(command) + common
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))


class PagesTest(unittest.TestCase):
    maxDiff = None

    def test_the_readme_is_short(self):
        self.assertLessEqual(len((SOURCE / "README.md").read_text().splitlines()), MOST_README_LINES)

    def test_the_readme_leads_to_every_page(self):
        linked = re.findall(r"\]\(([^)#]+)", (SOURCE / "README.md").read_text())
        for page in sorted((SOURCE / "docs").glob("**/*.md")):
            self.assertIn(page.relative_to(SOURCE).as_posix(), linked)

    def test_generated_text_is_up_to_date(self):
        result = subprocess.run([sys.executable, SOURCE / "scripts/readme_tables.py", "--check"], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_links_lead_to_files_and_headings(self):
        for page in pages():
            for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text())):
                if re.match(r"\w+:", link):
                    continue
                with self.subTest(page=page.name, link=link):
                    file, _, anchor = link.partition("#")
                    target = (page.parent / file) if file else page
                    self.assertTrue(target.exists(), f"{target} does not exist")
                    if anchor:
                        self.assertIn(anchor, anchors(target))

    def test_json_is_json_and_configs_are_valid(self):
        validator = schema_validator("config.schema.json")
        for page in pages():
            for _, text in blocks(page, "json"):
                with self.subTest(page=page.name):
                    value = json.loads(text)
                    if "problems" in value:
                        validator.validate(value)


class CommandsTest(unittest.TestCase):
    def check_bench(self, words):
        """Of a command line after flashcore-bench: the command and its options are known. Pipes and redirections follow it."""
        words = list(itertools.takewhile(lambda word: word not in ("|", ">"), words))
        command = next((word for word in words if word in known_commands()), None)
        for word in words:
            if word.startswith("-") and word != "-":
                self.assertIn(word.partition("=")[0], known_options(command))
        stray = [word for word in words[:1] if not word.startswith("-") and word != command]
        self.assertEqual(stray, [], "no such command")

    def check_command(self, words):
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        program = words[0]
        if program == "flashcore-bench":
            self.check_bench(words[1:])
        elif program.startswith("scripts/") or program.startswith(".ci/"):
            self.assertTrue(os.access(SOURCE / program, os.X_OK), f"{program} cannot be run")
            if program == "scripts/run.sh":
                self.check_bench(words[1:])
        elif program.startswith("build/"):
            lists = (SOURCE / "CMakeLists.txt").read_text() + (SOURCE / "tests/CMakeLists.txt").read_text()
            targets = re.findall(r"(?:add_executable|flashcore_add_test_program)\(([\w-]+)", lists)
            self.assertIn(pathlib.Path(program).name, targets)
        elif not program.startswith("./"):
            self.assertIn(program, TOOLS)

    def test_commands_exist(self):
        for page in pages():
            for _, text in blocks(page, "sh"):
                for words in commands(text):
                    with self.subTest(page=page.name, command=" ".join(words)):
                        self.check_command(words)

    def test_unknown_commands_are_seen(self):
        for line in ("flashcore-bench chek", "flashcore-bench compare --budget 1", "scripts/nothing.sh", "frobnicate"):
            with self.subTest(line), self.assertRaises(AssertionError):
                self.check_command(shlex.split(line))

    def test_commands_for_any_machine_run(self):
        """Blocks marked `sh cpu`: each command in turn, in a folder that looks like the tree, with the files of blocks
        marked `python <name>.py`. Each line of a block marked `text says` is in what the page's commands print."""
        for page in pages():
            marked = [text for mark, text in blocks(page, "sh") if mark == "cpu"]
            files = [(mark, text) for mark, text in blocks(page, "python") if mark.endswith(".py")]
            if not marked or (files and not PACKAGE):
                continue
            with tempfile.TemporaryDirectory() as folder:
                for name in ("configs", "src", "scripts"):
                    (pathlib.Path(folder) / name).symlink_to(SOURCE / name)
                shutil.copytree(SOURCE / "results", pathlib.Path(folder) / "results")
                for name, text in files:
                    (pathlib.Path(folder) / name).write_text(text)
                said = ""
                for line in (line for text in marked for line in text.splitlines() if line.strip()):
                    with self.subTest(page=page.name, command=line):
                        said += self.run_line(line, folder)
                for text in (text for mark, text in blocks(page, "text") if mark == "says"):
                    for line in text.splitlines():
                        self.assertIn(line, said)

    def run_line(self, line, folder):
        # Verdicts on times and an unclear comparison are no fault of the command line.
        path = f"{BENCH.parent}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "PYTHONPATH": PACKAGE, "OMP_NUM_THREADS": "1"}
        result = subprocess.run(["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, timeout=300,
                                check=False)
        self.assertNotIn(result.returncode, (USAGE, ENVIRONMENT, NOT_RUN, NOT_FOUND), result.stderr)
        if shlex.split(line)[0] == "python3":
            self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout


class WordsTest(unittest.TestCase):
    """Tables of docs/ that people write name everything that the program has."""

    def assert_rows(self, page, words):
        text = (SOURCE / "docs" / page).read_text()
        for word in words:
            self.assertRegex(text, rf"(?m)^\| `{re.escape(word)}`", f"{page} has no row for {word}")

    def test_attributes_of_a_tile(self):
        spec = (SOURCE / "src/variant/spec.hpp").read_text()
        fields = re.findall(r'\{"(\w+)", "(\w+)", ', spec)
        self.assertGreater(len(fields), 10)
        text = (SOURCE / "docs/words.md").read_text()
        for name, letters in fields:
            self.assertIn(f"| `{name}` | `{letters}` |", text)

    def test_timing_modes(self):
        self.assert_rows("words.md", [field.removesuffix("_us") for field in records.timing_fields()])

    def test_statuses(self):
        record = records.load(SOURCE / "configs/schema/result.schema.json")["definitions"]["record"]
        self.assert_rows("result-files.md", record["properties"]["status"]["enum"])

    def test_verdicts(self):
        definitions = records.load(SOURCE / "configs/schema/comparison.schema.json")["definitions"]
        rows = re.findall(r"(?m)^\| (`.*?`) \|", (SOURCE / "docs/comparing.md").read_text())
        named = {word.strip("`") for row in rows for word in row.split(", ")}
        self.assertLessEqual(set(definitions["verdict"]["enum"]), named)


if __name__ == "__main__":
    unittest.main()
