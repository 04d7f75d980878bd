"""Whether a kernel is right, and which part of it is not."""

from __future__ import annotations

import contextlib
import json
import unittest
from collections.abc import Callable
from typing import Any, NamedTuple, Union

from . import _core, frameworks, isolation
from .kernels import Adapter, Kernel, as_kernel
from .problem import Problem
from .running import TIMEOUT, device_name, place_of, problem_objects, run, session


Subject = Union[Kernel, Callable, str]  # a kernel, a function, or a name


class Check:
    """The outcome of a check: `passed`, `status` and `reason` as in a record, the number of `cases` that a deep check
    tried, and the `record`. True if the kernel passed."""

    def __init__(self, record):
        self.record = record
        self.status = record["status"]
        self.passed = self.status == "ok"
        self.reason = record.get("reason", "")
        self.cases = record.get("check", {}).get("cases", 0)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self):
        cases = f", {self.cases} cases" if self.cases else ""
        return f"{self.record['variant']}: {self.status}{cases}{': ' + self.reason if self.reason else ''}"


def check(kernel: Subject, problem: Problem, depth: str = "standard", *, seed: int = 0, device: str | None = None,
          timeout: float = TIMEOUT, in_process: bool = False) -> Check:
    """Checks one kernel on one problem, without timing it.

    `kernel` is a Kernel, a function, or the id of a built-in variant. `depth` is quick, standard or deep. `timeout` and
    `in_process` are as in bench(). Returns a Check; a kernel that fails is a value, no exception. Raises UsageError for
    arguments that are wrong.
    """
    found = as_kernel(kernel)
    config = {"problems": problem_objects([problem]), "seed": seed, "check": {"depth": depth}, "measure": {"clocks": []}}
    if found is None:
        config["variants"] = [kernel]
    result = run(config, [] if found is None else [found], device, timeout=timeout, in_process=in_process)
    return Check(result.records[0])


class Diagnosis:
    """What is wrong with a kernel.

    verdict    one sentence
    healthy    whether no probe failed
    first_bad  {"batch", "head", "row", "column" or "key", "got", "wanted"} of the first bad element, or None
    next       what to do next, as Python or as commands
    details    the diagnosis of the program as a dict
    """

    def __init__(self, details, following):
        self.details = details
        self.verdict = details["sentence"]
        self.healthy = details["healthy"]
        self.first_bad = details.get("first_bad")
        self.next = following

    def __repr__(self):
        """The program's text, with the next steps of this kernel."""
        text, found, _ = self.details["text"].partition("\nNext:\n")
        return text + found + "".join(f"  {step}\n" for step in self.next)


def diagnose(kernel: Subject, problem: Problem | None = None, *, seed: int = 0, device: str | None = None,
             timeout: float = TIMEOUT, in_process: bool = False) -> Diagnosis:
    """Runs probes that show which part of a kernel is wrong. `problem` is the first question; its dtype and head_dim are
    those of all probes. `timeout` is of one launch; it and `in_process` are as in bench(). Returns a Diagnosis. Raises
    UsageError if the kernel cannot run the problem."""
    problem = problem or Problem(heads=2, seq=256)
    found = as_kernel(kernel)
    if found is None:
        details = json.loads(_core.diagnose(None, kernel, problem.to_json(), seed, device or "auto", [], timeout))
        return Diagnosis(details, details["next"])
    backend, index = place_of([found], device)
    device = device_name(backend, index)
    why = isolation.start([found], device, timeout, in_process)
    child = [] if why else isolation.command([found], device, {"problem": problem.to_json(), "seed": seed})
    with session([found], backend, index) if why else contextlib.nullcontext():
        adapter = Adapter(found, backend, index, why)
        details = json.loads(_core.diagnose(adapter, "", problem.to_json(), seed, device, child, timeout))
    failing = details.get("failing")
    return Diagnosis(details, [f"check({found.name}, Problem.from_flag(\"{failing}\"), depth=\"deep\")"] if failing else [])


def inputs(problem: Problem, seed: int = 0, *, device: str | None = None, framework: str | None = None) -> dict[str, Any]:
    """The seeded inputs of a problem by the names of a kernel's arguments: q, k and v in the problem's layout and dtype,
    and for e4m3 their descale factors in FP32, [batch, heads_kv]. NumPy has the bytes of e4m3."""
    found = frameworks.find(framework)
    is_e4m3 = problem.dtype == "e4m3"
    reason = "" if is_e4m3 else found.refuse(problem)
    if reason:
        raise _core.UsageError(f"inputs: {reason}")
    backend, index = frameworks.parse_device(device, found)
    arrays = _core.inputs(problem.to_json(), seed, f"cuda:{index}" if backend == "cuda" else "cpu", found.name)
    return {name: found.tensor(array, is_e4m3 and len(name) == 1) for name, array in arrays.items() if array is not None}


class Reference(NamedTuple):
    """FP32: out is [batch, heads_q, seq_q, head_dim], lse is [batch, heads_q, seq_q]."""
    out: object
    lse: object


def reference(problem: Problem, inputs: dict[str, Any]) -> Reference:  # pylint: disable=redefined-outer-name  (the public name of both)
    """The Reference of a problem, computed in FP32 from `inputs`, which has the names of inputs(). Raises UsageError for
    tensors that are not the problem's."""
    framework = frameworks.NumPy if type(inputs["q"]).__module__ == "numpy" else frameworks.Torch
    framework.wait()
    arrays = {name: framework.array(tensor) for name, tensor in inputs.items()}
    out, lse = _core.reference(problem.to_json(), arrays, framework.name)
    return Reference(framework.tensor(out, False), framework.tensor(lse, False))


def assert_correct(kernel: Subject, problem: Problem, depth: str = "standard", *, seed: int = 0,
                   device: str | None = None, timeout: float = TIMEOUT, in_process: bool = False) -> None:
    """Raises AssertionError with the diagnosis's sentence unless the kernel passes its check. Takes what check() takes.

    A problem that the kernel does not support raises unittest.SkipTest, by which pytest and unittest skip a test. So does one
    of the layout far_batches, which needs gigabytes, on a machine without them; deep checks skip it, too.
    """
    options = {"seed": seed, "device": device, "timeout": timeout, "in_process": in_process}
    found = check(kernel, problem, depth, **options)
    if found.passed:
        return
    if found.status == "unsupported" or (found.status == "out_of_memory" and problem.layout == "far_batches"):
        raise unittest.SkipTest(found.reason)
    if found.status != "incorrect":
        raise AssertionError(found.reason)
    diagnosis = diagnose(kernel, problem, **options)
    if diagnosis.healthy:
        raise AssertionError(found.reason)
    error = AssertionError(diagnosis.verdict)
    if hasattr(error, "add_note"):
        error.add_note(f"{found!r}\nfirst bad element: {diagnosis.first_bad}\nnext: {'; '.join(diagnosis.next)}")
    raise error
