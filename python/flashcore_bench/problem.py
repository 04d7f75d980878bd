"""Attention problems. Their fields, defaults and limits are those of configs."""

from __future__ import annotations

import json

from . import _core

FIELDS = {field["name"]: field for field in json.loads(_core.problem_fields())}
TEXTS = ("name", "source")
NOT_COMPARED = ("source", "weight")  # say nothing about the computation
# Arguments that stand for several fields.
PAIRS = {"heads": ("heads_q", "heads_kv"), "seq": ("seq_q", "seq_kv"), "window": ("window_left", "window_right")}


def _spread(fields):
    """`fields` with each argument of PAIRS replaced by its two fields; a single value stands for both."""
    spread = {}
    for name, value in fields.items():
        pair = value if isinstance(value, (tuple, list)) else (value, value)
        new = dict(zip(PAIRS[name], pair, strict=True)) if name in PAIRS else {name: value}
        for field, one in new.items():
            if field in spread:
                raise _core.UsageError(f"Problem: {field} is given twice")
            if field not in (*TEXTS, *FIELDS):
                known = [*PAIRS, *FIELDS]
                nearest = _core.nearest(field, known)
                hint = f", did you mean {nearest}?" if nearest else ""
                raise _core.UsageError(f"Problem: unknown field {field}{hint} Known: {', '.join(known)}")
            spread[field] = one
    return spread


class Problem:
    """One attention problem.

    Takes every field of a config's problem by its name, and `heads`, `seq` and `window` as a value or as a pair
    (queries, keys). Sizes are numbers of elements. A field that is not given has the default of configs. Attributes
    have the fields' names. Raises UsageError for values that are not possible.
    """

    def __init__(self, **fields):
        [text] = _core.problems(json.dumps(_spread(fields)))
        self._take(text)

    def _take(self, text):
        self._text = text
        self._fields = json.loads(text)

    @classmethod
    def from_json(cls, text: str | dict) -> Problem:
        """The problem of an object of a record."""
        problem = cls.__new__(cls)
        problem._take(text if isinstance(text, str) else json.dumps(text))
        return problem

    @classmethod
    def from_flag(cls, flag: str) -> Problem:
        """The problem that --problem of the program takes: "batch=1,heads_q=8,seq_q=512"."""
        [text] = _core.problems(_core.problem_from_flag(flag))
        return cls.from_json(text)

    @classmethod
    def all_from_flag(cls, flag: str) -> list[Problem]:
        """The problems of a flag with axes: "heads_q=8,seq_q=512:1024"."""
        return [cls.from_json(text) for text in _core.problems(_core.problem_from_flag(flag))]

    @property
    def flag(self) -> str:
        """The value of --problem."""
        return _core.problem_flag(self._text)

    @property
    def window(self) -> tuple[int, int]:
        """(keys before the diagonal, keys after it), -1 for all; a causal mask has 0 after it."""
        return self.window_left, 0 if self.causal else self.window_right

    def to_json(self) -> str:
        """The problem as an object of a record, as text."""
        return self._text

    def _compared(self):
        return {name: value for name, value in self._fields.items() if name not in NOT_COMPARED}

    def __getattr__(self, name):
        if name in ("_fields", "_text") or name not in (*TEXTS, *FIELDS):
            raise AttributeError(f"a problem has no field {name}; it has: {', '.join([*TEXTS, *FIELDS])}")
        return self._fields.get(name)

    def __eq__(self, other):
        return isinstance(other, Problem) and self._compared() == other._compared()

    def __hash__(self):
        return hash(json.dumps(self._compared(), sort_keys=True))

    def __repr__(self):
        return f"Problem({self.flag})"

    def __str__(self):
        return self.name


def problems(**fields) -> list[Problem]:
    """All combinations of fields whose values are lists: problems(seq_q=[128, 256], causal=[False, True])."""
    return [Problem.from_json(text) for text in _core.problems(json.dumps(fields))]


def from_config(name: str) -> list[Problem]:
    """The problems of a config: a path, or the name of a shipped one."""
    return [Problem.from_json(text) for text in _core.problems(json.dumps(json.loads(_core.load_config(name))["problems"]))]
