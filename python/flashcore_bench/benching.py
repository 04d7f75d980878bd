"""How fast kernels are, beside each other."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Sequence
from typing import NamedTuple

from . import _core, peers
from .checking import Subject
from .kernels import Kernel, as_kernel
from .problem import Problem
from .running import TIMEOUT, as_list, problem_objects, run


class Ratio(NamedTuple):
    """A ratio of times, and the interval in which 95 % of other runs find it."""
    value: float
    low: float
    high: float


class Row:
    """One kernel on one problem. Times are medians in microseconds, None where there is none.

    variant, family, problem (its name), status, reason
    hot, cold, call   as docs/words.md defines them
    compile_s         seconds of the first launch on the problem, of Python kernels; else None
    choices           what tuning chose before timing, by the name of the tuned function
    direct_calls      why no graph was replayed; empty if one was
    in_process        why a Python kernel ran in this process; empty if it ran in a worker
    warnings          what else to know of the times, for example that samples were void
    record            the record of the result file
    """

    def __init__(self, record):
        self.record = record
        self.variant = record["variant"]
        self.family = record["family"]
        self.problem = record["problem"]["name"]
        self.status = record["status"]
        self.reason = record.get("reason", "")
        self.direct_calls = record.get("direct_calls", "")
        self.in_process = record.get("in_process", "")
        self.warnings = record.get("warnings", [])
        self.choices = record.get("choices", {})
        self.compile_s = record.get("compile_s")

    def timing(self, mode: str) -> dict | None:
        """median, p10, p90, ci95, n and samples of a timing mode; None if it was not taken."""
        return self.record.get("timing", {}).get(f"{mode}_us")

    def __getattr__(self, name):
        if name in ("hot", "cold", "call"):
            timing = self.timing(name)
            return timing and timing["median"]
        raise AttributeError(name)

    def __repr__(self):
        times = ", ".join(f"{mode} {getattr(self, mode):.4g} us" for mode in ("hot", "cold", "call") if getattr(self, mode))
        return f"{self.variant} on {self.problem}: {times or self.status + ': ' + self.reason}"


class Bench:
    """The rows of a benchmark, in the order of the table: what "auto" chose comes first."""

    def __init__(self, result, subject):
        self._run = result
        self._subject = subject  # glob of the first kernel's rows
        self.rows = [Row(record) for record in result.records]

    @property
    def text(self) -> str:
        """The text of the result file."""
        return self._run.text

    @property
    def best(self) -> Row | dict[str, Row] | None:
        """The fastest right Row; with several problems a dict of them by the problem's name."""
        best = {name: next(row for row in self.rows if (row.problem, row.variant) == (name, variant))
                for name, variant in _core.best(self.text)}
        problems = {row.problem for row in self.rows}
        return next(iter(best.values()), None) if len(problems) == 1 else best

    def row(self, name: str, problem: str | None = None) -> Row:
        """The first Row of a kernel, a family, a peer, a variant, or of "auto". Raises UsageError."""
        globs = [name, f"{name}/*", *peers.globs(name)]
        found = [row for row in self.rows if problem in (None, row.problem)
                 and (any(fnmatch.fnmatchcase(row.variant, glob) for glob in globs)
                      or (name == "auto" and row.reason.startswith("auto: ")))]
        if not found:
            raise _core.UsageError(f"no row is {name}; there are: {', '.join(sorted({row.variant for row in self.rows}))}")
        if len({row.problem for row in found}) > 1:
            raise _core.UsageError("several problems were timed: name one by problem=")
        return found[0]

    def ratio(self, name: str, problem: str | None = None) -> Ratio:
        """The time of the first kernel over that of another row, a Ratio. Above 1 the first kernel is slower.

        Raises UsageError if one of the rows has no times, or if one was not timed by a graph and the other was.
        """
        rows = [self.row(self._subject, problem), self.row(name, problem)]
        for row in rows:
            if row.status != "ok":
                raise _core.UsageError(f"{row.variant} has no times: {row.status}: {row.reason}")
        return Ratio(*_core.ratio(self._run.text_with([row.record for row in rows])))

    def save(self, path) -> None:
        """Writes the result file, which flashcore-bench compare and report read."""
        _core.write_text(str(path), self.text)

    def to_pandas(self):
        """A DataFrame with one row per row."""
        import pandas
        names = ("problem", "variant", "status", "reason", "hot", "cold", "call", "compile_s", "direct_calls", "in_process")
        return pandas.DataFrame([{name: getattr(row, name) for name in names} for row in self.rows])

    def __repr__(self):
        """The program's table, and what else its rows say."""
        warnings = [f"{row.variant} on {row.problem}: {warning}\n" for row in self.rows for warning in row.warnings]
        reasons = dict.fromkeys(row.in_process for row in self.rows if row.in_process)
        return "".join([_core.table(self.text, shutil.get_terminal_size((120, 24)).columns), *warnings,
                        *(f"In this process, without a worker: {reason}\n" for reason in reasons)])


def resolve(subjects):
    """(kernels, globs of built-in variants) of kernels, functions, and names of peers, families and variants."""
    kernels, globs = [], []
    for subject in as_list(subjects):
        if not isinstance(subject, str):
            kernels.append(as_kernel(subject))
            continue
        found = peers.find(subject)
        kernels += [peer for peer in found if isinstance(peer, Kernel)]
        globs += [glob for glob in found if isinstance(glob, str)]
    return kernels, globs


def bench(kernels: Subject | Sequence[Subject], problems: Problem | Sequence[Problem], against: Sequence[str] = (), *,
          budget: float = 10.0, depth: str = "standard", modes: Sequence[str] = ("hot", "cold", "call"), seed: int = 0,
          device: str | None = None, output: str = "", measure: dict | None = None, timeout: float = TIMEOUT,
          in_process: bool = False) -> Bench:
    """Checks and times kernels on problems, all in turns in random order.

    kernels   a Kernel, a function or the name of a built-in variant, or several
    problems  a Problem or several
    against   names: "auto" (what FlashCore would choose), globs of variant ids, families, and peers: cudnn, fa3, fa4,
              flex, sdpa_flash, sdpa_cudnn, sdpa_efficient, sdpa_math
    budget    seconds of measuring in all
    depth     of the check before timing: quick, standard or deep
    modes     timing modes
    output    a result file that grows with each record
    measure   further keys of a config's "measure"
    timeout   seconds that one check or sample of a kernel may take in a worker, with what it compiles
    in_process  runs in this process, for debuggers

    Returns a Bench. A kernel that is wrong or fails is a row without times. So is one that crashes, hangs or exits in a
    worker: one that another process can import runs there. Raises UsageError and DeviceError.
    """
    own, own_globs = resolve(kernels)
    others, globs = resolve(list(as_list(against)))
    config = {"problems": problem_objects(problems), "seed": seed, "check": {"depth": depth},
              "measure": {"clocks": list(modes), "budget_s": budget, **(measure or {})}}
    if own_globs + globs:
        config["variants"] = own_globs + globs
    result = run(config, own + others, device, output, timeout=timeout, in_process=in_process)
    return Bench(result, own[0].family if own else own_globs[0])
