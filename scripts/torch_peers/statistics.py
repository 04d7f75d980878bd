"""Order statistics of samples, as src/measure/statistics.cpp has them."""

import math


def quantile(ascending, p):
    position = p * (len(ascending) - 1)
    below = int(position)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (position - below) * (ascending[above] - ascending[below])


def median_interval_ranks(n):
    """Ranks (from 0) whose samples bound the median with at least 95 % confidence, by the binomial."""
    log_probability = -n * math.log(2.0)
    cumulative = math.exp(log_probability)
    rank = 0
    for i in range(max(n // 2 - 1, 0)):
        log_probability += math.log((n - i) / (i + 1))
        cumulative += math.exp(log_probability)
        if cumulative > 0.025:
            break
        rank = i + 1
    return rank, n - 1 - rank


def make_timing(samples):
    """A record's timing of one clock; samples are microseconds a launch, at least one."""
    ascending = sorted(samples)
    low, high = median_interval_ranks(len(samples))
    return {"median": quantile(ascending, 0.5), "p10": quantile(ascending, 0.1), "p90": quantile(ascending, 0.9),
            "ci95": [ascending[low], ascending[high]], "n": len(samples), "samples": list(samples)}


def relative_width(timing):
    low, high = timing["ci95"]
    return (high - low) / timing["median"] if timing["median"] > 0 else math.inf
