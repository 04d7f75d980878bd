"""Interleaved measuring, as in src/measure/measure.cpp: all take turns, in a new random order each round."""

import dataclasses
import random
import time

from .statistics import make_timing, relative_width

CLOCKS = ("hot", "cold", "call")
FEWEST_SAMPLES = 3
BURST_REST = 9  # rests after a sample are this much longer than it
NEIGHBOUR = 0.15  # medians that differ by less are near: which of them is faster may be asked


@dataclasses.dataclass
class Policy:
    """A config's `measure` block."""

    clocks: tuple = CLOCKS
    relative_width: float = 0.01
    min_samples: int = 15
    max_samples: int = 200
    budget_s: float = 60
    pacing: str = "sustained"
    warmup_s: float = 1
    rounds: int = 0  # exactly so many for everybody, whatever the widths; 0: by the rule

    @classmethod
    def from_config(cls, block):
        known = {field.name for field in dataclasses.fields(cls)} - {"rounds"}
        policy = cls(**{key: value for key, value in block.items() if key in known})
        policy.clocks = (policy.clocks,) if isinstance(policy.clocks, str) else tuple(policy.clocks)
        return policy

    def has_converged(self, samples):
        if self.rounds:
            return len(samples) >= self.rounds
        if len(samples) >= self.max_samples:
            return True
        return len(samples) >= self.min_samples and relative_width(make_timing(samples)) <= self.relative_width


class Measurement:
    """Takes the samples of all contenders of one problem.

    A contender has `record` and `sample(clock)`, which returns microseconds a launch or raises. One that raises
    becomes an `error` record without timings and leaves the rounds.
    """

    def __init__(self, contenders, policy, seed, now=time.monotonic, rest=time.sleep):
        self.contenders = contenders
        self.policy = policy
        self.random = random.Random(seed)
        self.now = now
        self.rest = rest

    def run(self, budget_s):
        self._warm_up(self.now())
        begin = self.now()
        for done, clock in enumerate(self.policy.clocks, start=1):
            deadline = begin + budget_s * done / len(self.policy.clocks)
            for contender, samples in self._sample_rounds(clock, deadline):
                if samples and contender.record["status"] == "ok":
                    contender.record.setdefault("timing", {})[f"{clock}_us"] = make_timing(samples)

    def _standing(self):
        return [contender for contender in self.contenders if contender.record["status"] == "ok"]

    def _warm_up(self, begin):
        if self.policy.pacing == "burst" or not self.policy.clocks:
            return
        while self._standing() and self.now() - begin < self.policy.warmup_s:
            for contender in self._standing():
                self._sample(contender, self.policy.clocks[0])

    def _sample(self, contender, clock):
        """Microseconds, or None when the contender failed."""
        begin = self.now()
        try:
            us = contender.sample(clock)
        except Exception as error:  # whatever a kernel's library raises is that kernel's record
            contender.record.update(status="error", reason=first_line(error))
            contender.record.pop("timing", None)
            return None
        if self.policy.pacing == "burst":
            self.rest(BURST_REST * (self.now() - begin))
        return us

    def _sample_rounds(self, clock, deadline):
        taken = [(contender, []) for contender in self._standing()]
        running = [pair for pair in taken if self._sample(pair[0], clock) is not None]  # warms up, is not kept
        rounds = 0
        while running and (rounds < FEWEST_SAMPLES or self.policy.rounds or self.now() < deadline):
            rounds += 1
            self.random.shuffle(running)
            for contender, samples in running:
                us = self._sample(contender, clock)
                if us is not None:
                    samples.append(us)
            running = self._those_that_go_on([pair for pair in running if pair[0].record["status"] == "ok"])
        return taken

    def _those_that_go_on(self, running):
        """Without those that have converged, and all whose medians are near to theirs with them."""
        medians = [make_timing(samples)["median"] for _, samples in running]
        wanting = [us for us, (_, samples) in zip(medians, running) if not self.policy.has_converged(samples)]
        return [pair for us, pair in zip(medians, running)
                if any(abs(us - other) <= NEIGHBOUR * max(us, other) for other in wanting)]


def first_line(error):
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
