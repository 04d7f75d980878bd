"""Python kernels: what they are given, and what they refuse."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
import time
from collections.abc import Callable

from . import _core, frameworks, tuning
from .errors import Unsupported, WrongOutput, first_line
from .problem import FIELDS, Problem

_TENSORS = tuple(_core.tensor_names())
_OTHERS = {
    "window": "(window_left, window_right); window_right is 0 if the mask is causal",
    "problem": "the Problem",
    "stream": "the CUDA stream as a number; 0 on the CPU",
}
_TENSOR_TEXT = {
    "q": "[batch, heads_q, seq_q, head_dim]", "k": "[batch, heads_kv, seq_kv, head_dim]",
    "v": "[batch, heads_kv, seq_kv, head_dim]", "out": "[batch, heads_q, seq_q, head_dim], to be filled in",
    "lse": "FP32 [batch, heads_q, seq_q], to be filled in; None if the problem asks for none",
    **{f"{name}_descale": "FP32 [batch, heads_kv]; None unless the dtype is e4m3" for name in "qkv"},
}
# Every parameter that a kernel may have, and what it gets. Strides are any; the last axis is contiguous.
ARGUMENTS = {**{name: _TENSOR_TEXT[name] for name in _TENSORS},
             **{name: field["meaning"] for name, field in FIELDS.items() if name not in _TENSORS}, **_OTHERS}
# Fields that kernels see by the shapes and strides of their tensors.
_BY_TENSORS = {name for name, field in FIELDS.items() if field["by_tensors"]}
# Parameters that hold what another field says.
_ALSO_COVERS = {"window": ("window_left", "window_right", "causal"), "window_right": ("causal",),
                "problem": tuple(FIELDS)}


def _parameters(function, name):
    """The known parameters of a function. Keyword-only ones with a default are the kernel's own business."""
    known = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            return tuple(ARGUMENTS)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is not inspect.Parameter.empty \
                and parameter.name not in ARGUMENTS:
            continue
        if parameter.name not in ARGUMENTS or parameter.kind in (inspect.Parameter.POSITIONAL_ONLY,
                                                                 inspect.Parameter.VAR_POSITIONAL):
            raise _core.UsageError(f"{name}: unknown parameter {parameter.name}; a kernel's parameters are given by name: "
                                   + ", ".join(ARGUMENTS))
        known.append(parameter.name)
    return tuple(known)


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
                 choice: Callable[[], str] | None = None, home: str | None = None, path: str | None = None,
                 is_plain: bool = False):
        """`prepare(problem)` gives the function for a problem, in place of `function`. `home` is the module that makes
        the kernel, `path` its name as module:name if it is known. A plain kernel is a function without options."""
        self.function = function
        self.prepare = prepare
        self.name = name or getattr(function, "__name__", "kernel")
        self.family = _family_name(self.name)
        self.supports = supports
        self.framework = frameworks.find(framework)
        self.tile = tile
        self.role = role
        self.choice = choice
        self.home = home
        self.path = path
        self.is_plain = is_plain
        self.summary = next(iter((inspect.getdoc(function) or "").splitlines()), "")
        self._by_problem = {}
        if self.family in _core.families():
            raise _core.UsageError(f"{self.name}: family {self.family} already exists; name= gives the kernel another")
        if function is not None:
            _parameters(function, self.name)
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
            self._by_problem[problem] = function, _parameters(function, self.name)
        return self._by_problem[problem]

    def refuse(self, problem: Problem) -> str:
        """Why the kernel cannot run a problem; empty if it can."""
        reason = self.framework.refuse(problem)
        if reason:
            return reason
        try:
            _, parameters = self.function_for(problem)
        except Unsupported as refusal:
            return first_line(refusal)
        missing = "" if self.prepare else self._missing(problem, parameters)  # prepare() has seen the problem
        if missing:
            return f"the kernel has no parameter {missing}"
        answer = True if self.supports is None else self.supports(problem)
        return answer if isinstance(answer, str) else "" if answer else "the kernel's supports() says no"

    @staticmethod
    def _missing(problem, parameters):
        """The first field that the kernel would have to know; empty if there is none."""
        covered = _BY_TENSORS.union(parameters, *(_ALSO_COVERS.get(name, ()) for name in parameters))
        needed = list(_core.changed_fields(problem.to_json()))
        if problem.dtype == "e4m3":
            needed += [name for name in _TENSORS if name.endswith("_descale")]
        return next((name for name in needed if name not in covered), "")


def _value(name, parameters, tensors, problem, stream):
    if name in tensors:
        return tensors[name]
    if name == "problem":
        return problem
    if name == "stream":
        return stream
    if name == "window":
        return problem.window
    if name == "window_right" and "causal" not in parameters:
        return problem.window[1]
    return getattr(problem, name)


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
        self.backend = backend
        self.device = device
        self.collects = kernel.prepare is not None or "out" not in _parameters(kernel.function, kernel.name)
        self.tuners = {}  # by the kernel's names for them
        self.first_calls = {}  # (seconds, choices) by the name of the problem

    def refuse(self, problem):
        return self.kernel.refuse(Problem.from_json(problem))

    def bind(self, arrays, problem, stream):
        """(launch, collect) for these tensors: the first takes nothing, the second what the first returned."""
        framework = self.kernel.framework
        framework.use_stream(stream, self.device)
        problem = Problem.from_json(problem)
        function, parameters = self.kernel.function_for(problem)
        self.tuners |= tuning.find_tuners(function)
        is_e4m3 = problem.dtype == "e4m3"
        tensors = {name: None if array is None else
                   framework.tensor(array, is_e4m3 and name in ("q", "k", "v")) for name, array in arrays.items()}
        values = {name: _value(name, parameters, tensors, problem, stream) for name in parameters}
        launch = functools.partial(function, **values)
        if "out" in parameters:
            return launch, lambda _result: None
        return launch, functools.partial(framework.collect, tensors["out"])

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
           choice: Callable[[], str] | None = None):
    """Makes a Kernel of a function; a decorator, with or without arguments.

    supports   takes a Problem and returns whether the kernel can run it, or a text why it cannot
    name       of the rows; the function's name if it is not given
    framework  "torch" or "numpy": whose tensors it takes; PyTorch if it can be imported
    tile       (block_q, block_kv): queries of a block and keys of an iteration, 0 if there is none or it is not known. Deep
               checks try lengths around it, diagnoses look for patterns of it, and ids have it
    choice     called after the first launch on a problem; returns what tuning chose, for the record. Triton's autotuned
               functions need none

    Raises UsageError for a parameter that is none of ARGUMENTS.
    """
    home = sys._getframe(1).f_globals.get("__name__")  # pylint: disable=protected-access
    options = {"supports": supports, "name": name, "framework": framework, "tile": tile, "choice": choice}
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
