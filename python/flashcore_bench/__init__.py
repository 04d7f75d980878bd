"""Checks, times and diagnoses attention kernels: those of FlashCore, and your own Python, Triton or PyTorch kernel.

    import flashcore_bench as fc

    @fc.kernel
    def mine(q, k, v, out, scale, causal): ...

    problem = fc.Problem(batch=4, heads=(32, 8), seq=4096, head_dim=128, dtype="bf16", causal=True)
    print(fc.check(mine, problem, depth="deep"))
    print(fc.bench(mine, problem, against=["cudnn", "auto"]))

Every rule of a check, of a measurement and of a diagnosis is the program's own. A kernel that another process can import
runs in one: if it crashes or hangs, that costs its row.
"""

import os as _os
import pathlib as _pathlib
import sys as _sys

_DATA = _pathlib.Path(__file__).resolve().parent / "data"
if _DATA.is_dir():  # the configs and tuned tables of the installed package
    _os.environ.setdefault("FLASHCORE_CONFIG_DIR", str(_DATA / "configs"))

from ._core import DeviceError, UsageError, end_worker
from ._core import version as __version__
from .arguments import ARGUMENTS
from .benching import Bench, Ratio, Row, bench
from .checking import Check, Diagnosis, Reference, assert_correct, check, diagnose, inputs, reference
from .choosing import Choice, choose
from .errors import Unsupported
from .kernels import Kernel, kernel
from .peers import PEERS
from .problem import Problem, problems
from .recorder import CallRecorder
from .testing import parametrize
from .tuning import compiled

__all__ = ["ARGUMENTS", "Bench", "CallRecorder", "Check", "Choice", "DeviceError", "Diagnosis", "Kernel", "PEERS", "Problem",
           "Ratio", "Reference", "Row", "Unsupported", "UsageError", "__version__", "assert_correct", "attention",
           "attention_out", "bench", "check", "choose", "compiled", "diagnose", "end_worker", "inputs", "kernel",
           "parametrize", "problems", "reference"]

_OPERATORS = ("attention", "attention_out")


def __getattr__(name):
    """The operators need PyTorch, which takes seconds to import: they are there once it is, or once they are used."""
    if name not in _OPERATORS:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from . import operators
    globals().update({operator: getattr(operators, operator) for operator in _OPERATORS})
    return globals()[name]


if "torch" in _sys.modules:
    from .operators import attention, attention_out
