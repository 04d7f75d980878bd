"""The one way from Python to a run of the core."""

import contextlib
import json

from . import _core, frameworks, isolation
from .kernels import Adapter, as_kernel, python_environment
from .problem import Problem


TIMEOUT = 120.0  # seconds of one check or sample, in which a kernel may be compiled and tuned


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def common_framework(kernels):
    """The framework that tells which device is meant. Several kernels may have several frameworks."""
    names = {kernel.framework.name for kernel in kernels}
    return frameworks.find(names.pop()) if len(names) == 1 else frameworks.NumPy if names else frameworks.Torch


def place_of(kernels, device):
    """(backend, index) of a device for these kernels. Raises UsageError."""
    backend, index = frameworks.parse_device(device, common_framework(kernels))
    for kernel in kernels:
        if backend not in kernel.framework.backends:
            raise _core.UsageError(f"device: {kernel.name} takes arrays of {kernel.framework.name}, which has no {backend}")
    return backend, index


class Run:
    """The result of a run: its text is that of a result file."""

    def __init__(self, text):
        self.text = text
        self.records = json.loads(text)["records"]

    def text_with(self, records):
        """A result file of this run with other records."""
        return json.dumps({**json.loads(self.text), "records": records})


def run(config, subjects, device=None, output="", on_problem=None, timeout=TIMEOUT, in_process=False):
    """Runs kernels, and what `variants` of the config selects of the built-in ones, in turns.

    `config` is a config of the program as a dict. `subjects` are kernels. `output` is the path of a result file that grows
    with each record. `on_problem` receives the records of each problem. Rows that are compared are timed in one process: a
    worker if it can import every kernel, else this one. Raises UsageError and DeviceError.
    """
    kernels = [as_kernel(subject) for subject in subjects]
    names = [kernel.family for kernel in kernels]
    if twice := {name for name in names if names.count(name) > 1}:
        raise _core.UsageError(f"two kernels are named {min(twice)}; kernel(name=…) tells them apart")
    backend, index = place_of(kernels, device)
    device = device_name(backend, index)
    config = {**config, "device": device, "measure": {"timeout_s": timeout, **config.get("measure", {})}}
    why = isolation.start(kernels, device, config["measure"]["timeout_s"], in_process)
    adapters = [Adapter(kernel, backend, index, why) for kernel in kernels]

    def report(text):
        on_problem(json.loads(text)["records"])

    with session(kernels, backend, index) if why else contextlib.nullcontext():
        text = _core.run(json.dumps(config), adapters, json.dumps(python_environment(bool(why))), str(output),
                         report if on_problem else None, not why)
    return Run(text)


def device_name(backend, index):
    return f"cuda:{index}" if backend == "cuda" else "cpu"


def session(kernels, backend, index):
    """What must hold while kernels run: torch's stream and memory."""
    uses_torch = any(kernel.framework is frameworks.Torch for kernel in kernels)
    framework = frameworks.Torch if uses_torch else frameworks.NumPy
    return framework.session(index if backend == "cuda" else None)


def problem_objects(problems):
    """The `problems` of a config. Equal names would be an error of the config: a problem that is given twice counts once."""
    unique = {}
    for problem in as_list(problems):
        if not isinstance(problem, Problem):
            raise _core.UsageError(f"{problem!r} is no Problem")
        unique[problem.name] = json.loads(problem.to_json())
    return list(unique.values())
