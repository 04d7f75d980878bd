"""For pytest."""

from __future__ import annotations

from collections.abc import Sequence

from . import _core
from .problem import Problem, from_config
from .running import as_list


def parametrize(problems: str | Problem | Sequence[Problem] = "deep", **fields):
    """A pytest mark that runs a test once per problem, which is the argument `problem`.

    `problems` is "deep" (the sizes and strides of the cases of a deep check, at the given `fields` of a Problem), the name
    or the path of a config, or Problems.
    """
    import pytest
    if problems == "deep":
        base = Problem(**{"heads": 2, "seq": 128, **fields})
        found = [Problem.from_json(text) for text in _core.deep_problems(base.to_json())]
    else:
        found = from_config(problems) if isinstance(problems, str) else as_list(problems)
    return pytest.mark.parametrize("problem", found, ids=str)
