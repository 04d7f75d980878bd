"""The source tree as the rules of structure see it: files, includes and functions."""

import dataclasses
import functools
import pathlib
import re

CODE = {".c", ".h", ".cpp", ".hpp", ".cu", ".cuh", ".js", ".css", ".html"}
CPP = {".c", ".h", ".cpp", ".hpp", ".cu", ".cuh"}

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
ROOM_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)

# Text that is not code: comments, strings, characters, preprocessor lines with their continuations.
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                     r"|(?<!\w)'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*", re.DOTALL | re.MULTILINE)
ON_DEVICE = re.compile(r"\b(__global__|__device__|FLASHCORE_HOST_DEVICE)\b")
TYPE = re.compile(r"^(template\s*<.*>\s*)?(typedef\s+)?(class|struct|union|enum)\b", re.DOTALL)
NAMESPACE = re.compile(r'^(inline\s+)?(namespace\b|extern\s+""$)')
LABEL = re.compile(r"^((public|protected|private)\s*:|;|\s)+")
NAME = re.compile(r"((?:\w+::)*(?:operator\s*[^\s(]+|operator\s*\(\)|~?\w+))\s*\(")
NOT_A_NAME = {"alignas", "decltype", "noexcept", "requires", "__launch_bounds__", "__attribute__"}


@dataclasses.dataclass
class Function:
    path: str
    name: str
    line: int
    lines: int
    on_device: bool

    def __str__(self):
        return f"{self.path}:{self.line}: {self.name}() has {self.lines} lines"


def without_comments(text):
    """The same lines without text that is not code; strings become empty."""
    def blank(match):
        lines = "\n" * match[0].count("\n")
        return '""' + lines if match[0].startswith(('"', 'R"')) else lines or " "
    return NO_CODE.sub(blank, text)


def function_name(head):
    names = (match[1] for match in NAME.finditer(head))
    return next((name for name in names if name not in NOT_A_NAME), head.split("(")[0].split()[-1])


class Scanner:
    """Follows the braces of one file. `head` is the text between the end of the last statement and a brace.

    Relies on clang-format: it puts a space before the brace of a body, and none before the brace of an initialiser.
    """

    def __init__(self, path, text):
        self.path = path
        self.text = without_comments(text)
        self.begin = 0  # of the head
        self.parentheses = 0
        self.open = []  # per open brace: its kind, where its head begins, and the head
        self.functions = []

    def scan(self):
        for match in re.finditer(r"[{}();]", self.text):
            getattr(self, self.ACTIONS[match[0]])(match.start())
        return self.functions

    ACTIONS = {"{": "_open", "}": "_close", "(": "_open_parenthesis", ")": "_close_parenthesis", ";": "_end"}

    def _kind(self, head, brace):
        inside = self.open[-1][0] if self.open else "namespace"
        if inside in ("function", "handler", "value") or self.parentheses or not self.text[brace - 1].isspace():
            return "value"
        if NAMESPACE.match(head):
            return "namespace"
        if TYPE.match(head) and not re.search(r"\)\s*(const)?$", head):
            return "type"
        if head.startswith("catch"):  # of a function that is a try block
            return "handler"
        if "(" not in head or head.endswith(("=", ",")) or re.search(r"\brequires\s*(\([^()]*\))?$", head):
            return "value"
        return "function"

    def _open(self, at):
        skipped = LABEL.match(self.text[self.begin:at])
        begin = self.begin + (skipped.end() if skipped else 0)
        head = self.text[begin:at].strip()
        kind = self._kind(head, at)
        self.open.append((kind, begin, head))
        if kind != "value":
            self.begin = at + 1

    def _close(self, at):
        kind, begin, head = self.open.pop()
        if kind == "value":
            return
        self.begin = at + 1
        lines = self.text.count("\n", begin, at) + 1
        if kind == "handler":
            self.functions[-1].lines += lines - 1
        elif kind == "function":
            first = self.text.count("\n", 0, begin) + 1
            self.functions.append(Function(self.path, function_name(head), first, lines, bool(ON_DEVICE.search(head))))

    def _open_parenthesis(self, _at):
        self.parentheses += 1

    def _close_parenthesis(self, _at):
        self.parentheses -= 1

    def _end(self, at):
        if not self.parentheses and (not self.open or self.open[-1][0] in ("namespace", "type")):
            self.begin = at + 1


class Tree:
    """src/ and kernels/ below a root."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        paths = (path for folder in ("src", "kernels") for path in sorted((self.root / folder).rglob("*")))
        self.files = {path.relative_to(self.root).as_posix(): path.read_text(encoding="utf-8")
                      for path in paths if path.suffix in CODE}

    def rooms(self):
        """From top to bottom, as src/ROOMS.md lists them."""
        return ROOM_ROW.findall((self.root / "src" / "ROOMS.md").read_text(encoding="utf-8"))

    @staticmethod
    def room(path):
        """The folder below src/; kernels/ counts as one room, and files directly in src/ are in none."""
        parts = path.split("/")
        if parts[0] == "kernels":
            return "kernels"
        return parts[1] if len(parts) > 2 else None

    @functools.cached_property
    def includes(self):
        """The files of this tree that each C++ or CUDA file includes."""
        found = {}
        for path, text in self.files.items():
            if pathlib.PurePosixPath(path).suffix in CPP:
                folder = path.rpartition("/")[0]
                named = INCLUDE.findall(text)
                places = [next((place for place in (f"{folder}/{name}", f"src/{name}", name) if place in self.files),
                               None) for name in named]
                found[path] = [place for place in places if place]
        return found

    @functools.cached_property
    def functions(self):
        return [function for path, text in self.files.items() if pathlib.PurePosixPath(path).suffix in CPP
                for function in Scanner(path, text).scan()]

    def folders(self, place):
        """The names of the folders in a place below the root."""
        return sorted(path.name for path in (self.root / place).iterdir()
                      if path.is_dir() and path.name != "__pycache__" and any(path.iterdir()))
