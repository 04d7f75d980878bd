"""Python kernels: what they are given, and what they refuse."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
import time
from collections.abc import Callable

from . import _core, arguments, frameworks, tuning
from .arguments import parameters_of
from .errors import Unsupported, WrongOutput, first_line
from .problem import Problem

def _family_name(name):
    """A name as families have it: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "kernel"


class Kernel:
    """A Python function as a kernel.

    The function takes some of ARGUMENTS by name. With `out` it fills in the output; without, it returns the output with
    the shape and the dtype of `out`. A field of a problem that changes the result, but is no parameter, makes the problem
    unsupported unless it is at its default.
    """

    def __init__(self, function: Callable | None = None, *, supports: Callable[[Problem], bool | str] | None = None,
                 name: str | None = None, framework: str | None = None, tile: tuple[int, int] = (0, 0),
                 role: str = "plugin", prepare: Callable[[Problem], Callable] | None = None,
                 choice: Callable[[], str] | None = None, plan: Callable | None = None, home: str | None = None,
                 path: str | None = None, is_plain: bool = False, reads_unused_rows: bool = False):
        """`prepare(problem)` gives the function for a problem, in place of `function`; it may have a `plan`. `home` is the
        module that makes the kernel, `path` its name as module:name if it is known. A plain kernel is a function without
        options. `reads_unused_rows`: a peer that is known to read what no sequence uses, which then is finite, not NaN."""
        self.function = function
        self.prepare = prepare
        self.name = name or getattr(function, "__name__", "kernel")
        self.family = _family_name(self.name)
        self.supports = supports
        self.framework = frameworks.find(framework)
        self.tile = tile
        self.role = role
        self.choice = choice
        self.plan = plan
        self.home = home
        self.path = path
        self.is_plain = is_plain
        self.reads_unused_rows = reads_unused_rows
        self.summary = next(iter((inspect.getdoc(function) or "").splitlines()), "")
        self._by_problem = {}
        if self.family in _core.families():
            raise _core.UsageError(f"{self.name}: family {self.family} already exists; name= gives the kernel another")
        for given in (function, plan):
            if given is not None:
                parameters_of(given, self.name)
        functools.update_wrapper(self, function or prepare, updated=())

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def __repr__(self):
        return f"Kernel({self.name})"

    def function_for(self, problem):
        """(function, its parameters) for a problem. Raises Unsupported."""
        if problem not in self._by_problem:
            function = self.function
            if self.prepare:
                function = self.prepare(problem)
                self.framework.wait()
            self._by_problem[problem] = function, parameters_of(function, self.name)
        return self._by_problem[problem]

    def refuse(self, problem: Problem) -> str:
        """Why the kernel cannot run a problem; empty if it can."""
        reason = self.framework.refuse(problem)
        if reason:
            return reason
        try:
            function, parameters = self.function_for(problem)
        except Unsupported as refusal:
            return first_line(refusal)
        reason = "" if self.prepare else arguments.refuse(function, parameters, problem)  # prepare() has seen the problem
        if reason:
            return reason
        answer = True if self.supports is None else self.supports(problem)
        return answer if isinstance(answer, str) else "" if answer else "the kernel's supports() says no"


class Adapter:
    """A kernel on a device, as the C++ core calls it."""

    def __init__(self, kernel, backend, device, in_process=""):
        """`in_process` is why the kernel runs in the process of its caller; empty in a worker."""
        self.kernel = kernel
        self.in_process = in_process
        self.family = kernel.family
        self.summary = kernel.summary
        self.framework = kernel.framework.name
        self.tile = kernel.tile
        self.role = kernel.role
        self.reads_unused_rows = kernel.reads_unused_rows
        self.backend = backend
        self.device = device
        self.collects = kernel.prepare is not None or "out" not in parameters_of(kernel.function, kernel.name)
        self.tuners = {}  # by the kernel's names for them
        self.first_calls = {}  # (seconds, choices) by the name of the problem

    def refuse(self, problem):
        return self.kernel.refuse(Problem.from_json(problem))

    def bind(self, arrays, problem, stream):
        """(launch, collect) for these tensors: the first takes nothing, the second what the first returned."""
        function, parameters = self.kernel.function_for(Problem.from_json(problem))
        self.tuners |= tuning.find_tuners(function)
        values, tensors = self._values(parameters, arrays, problem, stream)
        launch = functools.partial(function, **values)
        if "out" in parameters:
            return launch, lambda _result: None
        return launch, functools.partial(self.kernel.framework.collect, tensors["out"], tensors["cu_seqlens_q"])

    def _values(self, parameters, arrays, problem, stream):
        """(what each parameter gets, all tensors) of a launch."""
        framework = self.kernel.framework
        framework.use_stream(stream, self.device)
        problem = Problem.from_json(problem)
        is_e4m3 = problem.dtype == "e4m3"
        tensors = {name: None if array is None else
                   framework.tensor(array, is_e4m3 and name in ("q", "k", "v")) for name, array in arrays.items()}
        return {name: arguments.value_of(name, parameters, tensors, problem, stream) for name in parameters}, tensors

    def _plan_of(self, problem):
        """The function that plans launches on a problem, or None."""
        function, _ = self.kernel.function_for(Problem.from_json(problem))
        return getattr(function, "plan", self.kernel.plan)

    def plans(self, problem):
        return self._plan_of(problem) is not None

    def plan(self, arrays, problem, stream):
        """Plans the launches on these lengths and pages; never while a graph is captured."""
        plan = self._plan_of(problem)
        values, _ = self._values(parameters_of(plan, f"the plan of {self.kernel.name}"), arrays, problem, stream)
        plan(**values)

    def first(self, launch, problem):
        """The first launch on these tensors; the first on a problem also compiles and tunes."""
        for tuner in self.tuners.values():
            tuner.best_config = None  # of a launch on another problem
        begin = time.perf_counter()
        result = launch()
        seconds = time.perf_counter() - begin
        chosen = tuning.choices(self.tuners)
        if self.kernel.choice:
            chosen[self.kernel.name] = str(self.kernel.choice())
        self.first_calls.setdefault(json.loads(problem)["name"], (seconds, chosen))
        return result

    def notes(self, problem):
        """(why it runs in this process, seconds of the first launch, what tuning chose) of a problem, for its record."""
        return self.in_process, *self.first_calls.get(json.loads(problem)["name"], (None, {}))

    def compilations(self):
        return tuning.compilations(self.tuners)

    def explain(self, error):
        """(status, reason) of the record for an exception of a launch."""
        if isinstance(error, Unsupported):
            return "unsupported", first_line(error)
        if isinstance(error, WrongOutput):
            return "incorrect", first_line(error)
        status = self.kernel.framework.explain(error) or "error"
        return status, f"{type(error).__name__}: {first_line(error)}"


def kernel(function: Callable | None = None, *, supports: Callable[[Problem], bool | str] | None = None,
           name: str | None = None, framework: str | None = None, tile: tuple[int, int] = (0, 0),
           choice: Callable[[], str] | None = None, plan: Callable | None = None):
    """Makes a Kernel of a function; a decorator, with or without arguments.

    supports   takes a Problem and returns whether the kernel can run it, or a text why it cannot
    name       of the rows; the function's name if it is not given
    framework  "torch" or "numpy": whose tensors it takes; PyTorch if it can be imported
    tile       (block_q, block_kv): queries of a block and keys of an iteration, 0 if there is none or it is not known. Deep
               checks try lengths around it, diagnoses look for patterns of it, and ids have it
    choice     called after the first launch on a problem; returns what tuning chose, for the record. Triton's autotuned
               functions need none
    plan       takes some of ARGUMENTS and is called before the launches on new lengths or pages, and never while a graph is
               captured

    Raises UsageError for a parameter that is none of ARGUMENTS.
    """
    home = sys._getframe(1).f_globals.get("__name__")  # pylint: disable=protected-access
    options = {"supports": supports, "name": name, "framework": framework, "tile": tile, "choice": choice,
               "plan": plan}
    if function is None:
        return functools.partial(Kernel, home=home, **options)
    return Kernel(function, home=home, **options)


def as_kernel(subject):
    """A Kernel of a Kernel or a function; None for the name of a built-in variant. Raises UsageError."""
    if isinstance(subject, str):
        return None
    if isinstance(subject, Kernel):
        return subject
    if callable(subject):
        return Kernel(subject, is_plain=True)
    raise _core.UsageError(f"{subject!r} is neither a kernel nor the name of a variant")


def python_environment(in_process):
    """What a result file says of this process, and whether kernels ran in it."""
    environment = {"command_line": list(sys.argv),
                   "python": {"version": sys.version.split()[0], "in_process": in_process}}
    for name, framework in frameworks.FRAMEWORKS.items():
        if name in sys.modules:
            environment |= framework.versions()
    return environment
