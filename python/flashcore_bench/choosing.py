"""What "auto" runs for a problem."""

import dataclasses

from . import _core
from .frameworks import Torch, has_cuda, parse_device
from .problem import Problem

_MOST_CHOICES = 4096  # decoding asks for every length of its keys once
_choices = {}
_HOST = -1


@dataclasses.dataclass(frozen=True)
class Choice:
    """The variant that "auto" runs, and why.

    variant  its id
    rule     "exact": the problem was tuned; "interpolated": from the times of tuned problems nearby; "default": neither
    reason   the same as a sentence, with the names of those problems and the table
    """

    variant: str
    rule: str
    reason: str


def choose(problem: Problem, device: str | None = None) -> Choice:
    """What "auto" runs for a problem on a device, by the device's tuned table. Nothing is launched.

    device  "cpu", "cuda" or "cuda:N"; the first CUDA device, or the CPU if there is none, if it is not given

    Choices are remembered: to ask again takes less than a microsecond. Of a ragged batch, the problem's own lengths
    count. Raises UsageError if no variant can run the problem, and DeviceError if the device is not there.
    """
    key = problem.to_json(), device
    found = _choices.get(key)
    if found is None:
        if len(_choices) == _MOST_CHOICES:
            _choices.clear()
        found = _choices[key] = Choice(*_core.choose(key[0], _number(device)))
    return found


def _number(device):
    """The number of a CUDA device, or that of the CPU."""
    if device is None:
        return 0 if has_cuda() else _HOST
    backend, index = parse_device(device, Torch)
    return index if backend == "cuda" else _HOST
