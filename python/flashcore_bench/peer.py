"""What peers have in common: what a peer is, what it refuses, and how its package is found."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Callable
from typing import NamedTuple

from .errors import Unsupported, first_line


class Peer(NamedTuple):
    """A kernel of another project.

    prepare            takes a Problem and gives the function for it; raises Unsupported
    configuration      gives the version and the configuration, once the package was imported
    reads_unused_rows  it is known to read rows that no sequence uses; they are then finite, and a warning says so
    needs_lengths      it runs ragged batches only
    """
    prepare: Callable
    configuration: Callable[[], str]
    reads_unused_rows: bool = False
    needs_lengths: bool = False


_WITHOUT = {
    "lse": "it gives no log-sum-exp through its public interface",
    "windows": "it is given no windows here",
    "softcap": "it is given no soft caps here",
    "lengths": "it is given no ragged batches here",
    "pages": "it is given no paged caches here",
    "sinks": "it is given no sinks here",
    "e4m3": "it is given fp16 and bf16 only",
}


def require(problem, takes=()):
    """Raises Unsupported for what the problem has beyond a plain rectangle in 16 bits, if `takes` does not name it."""
    used = {"lse": problem.lse, "windows": has_window(problem), "softcap": problem.softcap, "lengths": problem.lengths,
            "pages": problem.kv, "sinks": problem.sinks, "e4m3": problem.dtype == "e4m3"}
    for what, is_used in used.items():
        if is_used and what not in takes:
            raise Unsupported(_WITHOUT[what])


def require_packed(cu_seqlens_q):
    """Raises Unsupported if the queries are not one sequence after the other."""
    if cu_seqlens_q is None:
        raise Unsupported("it is given ragged batches only")


def has_window(problem):
    return problem.window_left >= 0 or problem.window_right >= 0


def import_one(*names):
    """The first module of these that can be imported. Raises Unsupported with the reason of the first."""
    reasons = []
    for name in names:
        try:
            return importlib.import_module(name)
        except Exception as error:  # not installed, or built for another PyTorch, which shows in many ways
            reasons.append(first_line(error))
    raise Unsupported(f"the Python module {names[0]} cannot be used: {reasons[0]}")


def version_of(module):
    """Name and version of the distribution that a module is part of, as far as they are known."""
    top = module.partition(".")[0]
    found = importlib.metadata.packages_distributions().get(top, [])
    known = dict.fromkeys(f"{name} {importlib.metadata.version(name)}" for name in found)
    return ", ".join(known) or top


def refusing(call):
    """`call`, whose exceptions about what it cannot do are Unsupported."""
    @functools.wraps(call)
    def wrapped(*arguments, **values):
        try:
            return call(*arguments, **values)
        except (NotImplementedError, ValueError, AssertionError) as error:
            raise Unsupported(first_line(error)) from None
        except RuntimeError as error:
            if "support" not in str(error):
                raise
            raise Unsupported(first_line(error)) from None
    return wrapped
