"""The figures of a measurement: medians, and an interval for their ratio."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A ratio of two medians, with its bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """The interval's width relative to the ratio."""
        return (self.high - self.low) / self.value


def ratio(slow: Sequence[Sequence[float]], fast: Sequence[Sequence[float]], seed: int = 0) -> Ratio:
    """Return median(slow) / median(fast) with a 95% bootstrap interval (Efron and Tibshirani 1993, ch. 13).

    Each sequence holds a list of times a round, and round i of one was measured beside round i of the other. Rounds
    are resampled, both sides together: what slows a round down (clocks, heat) slows both, and cancels.

    Raises:
        ValueError: no rounds, or not as many on either side, or a time that is not positive.
    """
    if not slow or len(slow) != len(fast):
        raise ValueError(f"{len(slow)} rounds against {len(fast)}")
    if any(t <= 0 for side in (slow, fast) for times in side for t in times):
        raise ValueError("times must be positive")
    generator = random.Random(seed)  # noqa: S311  (no secret)
    rounds = range(len(slow))
    drawn = sorted(_ratio(slow, fast, generator.choices(rounds, k=len(slow))) for _ in range(RESAMPLES))
    tail = (1 - CONFIDENCE) / 2
    return Ratio(_ratio(slow, fast, rounds), drawn[int(tail * RESAMPLES)], drawn[int((1 - tail) * RESAMPLES) - 1])


def pooled_median(rounds: Sequence[Sequence[float]]) -> float:
    """Return the median of all times of all rounds."""
    return median(t for times in rounds for t in times)


def _ratio(slow: Sequence[Sequence[float]], fast: Sequence[Sequence[float]], chosen: Sequence[int]) -> float:
    return pooled_median([slow[i] for i in chosen]) / pooled_median([fast[i] for i in chosen])
