"""Speed of correct kernels, over eager PyTorch or torch.compile; a speed that was not measured is None throughout."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Speed(NamedTuple):
    """Speedups of the correct samples whose speed was measured: how many, and their middle by two accounts."""

    n: int
    geometric_mean: float
    median: float


def speed(speedups: Sequence[float | None]) -> Speed | None:
    """Return the middle of the measured speedups, None if there is none.

    Over correct samples only, so it says nothing about how many there are: a model that solves only what is easy to
    speed up looks fast. fast_p is the figure that holds both.

    Raises:
        ValueError: a speedup is not positive.
    """
    measured = [speedup for speedup in speedups if speedup is not None]
    if not measured:
        return None
    if min(measured) <= 0:
        raise ValueError(f"a speedup of {min(measured)}")
    mean = math.exp(math.fsum(map(math.log, measured)) / len(measured))
    return Speed(len(measured), mean, statistics.median(measured))


def fast_count(accepted: Sequence[bool], speedups: Sequence[float | None], p: float) -> int:
    """Return how many samples are correct and more than p times as fast; the c of an unbiased fast_p@k.

    fast_p with k samples is the probability that one of k is correct and fast: ``pass_at_k(n, fast_count, k)``.

    Raises:
        ValueError: the sequences differ in length.
    """
    pairs = zip(accepted, speedups, strict=True)
    return sum(ok and speedup is not None and speedup > p for ok, speedup in pairs)


def best_of_k(values: Sequence[float], k: int) -> float:
    """Return the expected largest of k values drawn without replacement, unbiased.

    Of C(n, k) subsets the i-th smallest value (from 1) is the largest in C(i-1, k-1).

    Raises:
        ValueError: not 1 <= k <= n.
    """
    n = len(values)
    if not 1 <= k <= n:
        raise ValueError(f"the best of {k} can't be estimated from {n} samples")
    ordered = enumerate(sorted(values))
    return math.fsum(value * math.comb(i, k - 1) for i, value in ordered) / math.comb(n, k)
