"""Metrics over (task, sample) outcomes: pass@k, fast_p, compile rate, and intervals over tasks or trials."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

NO_WIDTH = 1e-12  # of an interval: a mean of equal numbers is not always that number to the last digit
Bounds = tuple[float, float]
SHARE: Bounds = (0.0, 1.0)
DIFFERENCE: Bounds = (-1.0, 1.0)  # of shares


class Estimate(NamedTuple):
    """A mean over tasks and its 95% interval; one without width says that nothing is known about other tasks."""

    mean: float
    low: float
    high: float


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the probability that at least one of k samples is correct, unbiased, from c correct ones among n.

    1 - C(n-c, k) / C(n, k) (Chen et al., arXiv 2107.03374, eq. 1), as a product, because the binomials overflow.

    Raises:
        ValueError: not 1 <= k <= n or not 0 <= c <= n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} can't be estimated from {n} samples")
    if not 0 <= c <= n:
        raise ValueError(f"{c} correct ones among {n} samples")
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def fast_p(accepted: Sequence[bool], speedups: Sequence[float | None], p: float) -> float | None:
    """Return the share of samples that are correct and more than p times as fast as eager PyTorch.

    KernelBench's fast_p (Ouyang et al., arXiv 2502.10517, section 3.3), where there is one sample per problem. A
    correct sample without a measured speed does not count as fast. None when no speed was measured at all.

    Raises:
        ValueError: the sequences differ in length.
    """
    if all(speedup is None for speedup in speedups):
        return None
    pairs = zip(accepted, speedups, strict=True)
    return sum(ok and speedup is not None and speedup > p for ok, speedup in pairs) / len(accepted)


def bootstrap(
    per_task: Sequence[float], resamples: int, seed: int, level: float = 0.95, bounds: Bounds | None = SHARE
) -> Estimate:
    """Return the mean of per-task values and its percentile bootstrap interval (Efron 1979), resampling tasks.

    Samples of one task are not independent, so tasks are drawn, never samples. Where all tasks have the same value,
    as all 0 or all 1, or where there is one task, drawing again shows nothing, and the interval is that of ``alike``.
    Without ``bounds``, as for a speed, it has no width then.

    Raises:
        ValueError: there is no task or no resample.
    """
    means = resampled_means(per_task, resamples, seed)
    mean = float(np.asarray(per_task, dtype=np.float64).mean())
    return interval(mean, means, len(per_task), bounds, level)


def alike(value: float, tasks: int, bounds: Bounds = SHARE, level: float = 0.95) -> Estimate:
    """Return the interval of a mean over tasks that all have the same value, by the exact binomial.

    By ``binomial_interval`` at least a share s of all tasks has that value; the others may have any within the
    bounds. Of shares that are all 0 or all 1 this is Clopper and Pearson's interval over tasks; of one task it is
    nearly all that is possible.
    """
    least, (low, high) = binomial_interval(tasks, tasks, level).low, bounds
    return Estimate(value, least * value + (1 - least) * low, least * value + (1 - least) * high)


def interval(
    value: float, resampled: Sequence[float] | np.ndarray, tasks: int, bounds: Bounds | None, level: float = 0.95
) -> Estimate:
    """Return a figure with the percentile interval of its resampled values, ``alike``'s where that has no width."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    if bounds is not None and high - low < NO_WIDTH:
        return alike(value, tasks, bounds, level)
    return Estimate(value, float(low), float(high))


def resampled_means(per_task: Sequence[float], resamples: int, seed: int) -> np.ndarray:
    """Return [resamples] means of tasks drawn with replacement; see ``bootstrap``.

    Raises:
        ValueError: there is no task or no resample.
    """
    if not per_task or resamples < 1:
        raise ValueError("a mean over no task, or no resample")
    values = np.asarray(per_task, dtype=np.float64)
    generator = np.random.default_rng(seed)
    return np.array([values[generator.integers(len(values), size=len(values))].mean() for _ in range(resamples)])


def bootstrap_samples(counts: Sequence[tuple[int, int]], k: int, resamples: int, seed: int) -> Estimate:
    """Return the mean pass@k of (n, c) counts and its 95% interval, resampling tasks and, within them, samples.

    A task's n samples drawn anew, with replacement, hold Binomial(n, c/n) correct ones. This interval answers "what
    would another run say on other tasks"; ``bootstrap`` leaves each task's answers as they were. pass@k is concave in
    c, so the resampled values lie a little low where k is near n; the mean is the plain one. Where every answer is
    right, or every one wrong, the interval is that of ``alike``.

    Raises:
        ValueError: there is no task or no resample, or pass@k can't be estimated from some count.
    """
    if not counts or resamples < 1:
        raise ValueError("a mean over no task, or no resample")
    tables = {n: np.array([pass_at_k(n, c, k) for c in range(n + 1)]) for n in {n for n, _ in counts}}
    mean = math.fsum(pass_at_k(n, c, k) for n, c in counts) / len(counts)
    generator = np.random.default_rng(seed)
    sizes, shares = np.array([n for n, _ in counts]), np.array([c / n for n, c in counts])
    means = []
    for _ in range(resamples):
        drawn = generator.integers(len(counts), size=len(counts))
        solved = generator.binomial(sizes[drawn], shares[drawn])
        means.append(np.mean([tables[n][c] for n, c in zip(sizes[drawn], solved, strict=True)]))
    return interval(mean, means, len(counts), SHARE)


def bootstrap_pooled(
    per_task: Sequence[Sequence[float]],
    figure: Callable[[np.ndarray], Any],
    resamples: int,
    seed: int,
    *,
    samples: bool = False,
    bounds: Bounds | None = None,
) -> Estimate:
    """Return a figure of all tasks' values together and its 95% interval, resampling tasks and, if asked, samples.

    For figures that are no mean over tasks, such as the median speedup over right answers. Tasks without a value are
    not drawn. With ``bounds`` the interval is ``alike``'s where it would have no width.

    Raises:
        ValueError: there is no value, or no resample.
    """
    groups = [np.asarray(values, dtype=np.float64) for values in per_task if len(values)]
    if not groups or resamples < 1:
        raise ValueError("a figure of no value, or no resample")
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        drawn = [groups[i] for i in generator.integers(len(groups), size=len(groups))]
        if samples:
            drawn = [values[generator.integers(len(values), size=len(values))] for values in drawn]
        found.append(figure(np.concatenate(drawn)))
    return interval(float(figure(np.concatenate(groups))), found, len(groups), bounds)


def binomial_interval(count: int, trials: int, level: float = 0.95) -> Estimate:
    """Return count / trials and its exact interval (Clopper and Pearson 1934) at ``level``.

    The lower end is the probability at which ``count`` or more would be seen with (1 - level) / 2, the upper end that
    at which ``count`` or fewer would. Trials must be independent; the interval is never narrower than it claims.

    Raises:
        ValueError: not 0 <= count <= trials, or there is no trial.
    """
    if not 0 <= count <= trials or trials < 1:
        raise ValueError(f"{count} among {trials} trials")
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else _root(lambda p: 1 - _at_most(count - 1, trials, p) - tail)
    high = 1.0 if count == trials else _root(lambda p: tail - _at_most(count, trials, p))
    return Estimate(count / trials, low, high)


def _at_most(count: int, trials: int, p: float) -> float:
    """Return the probability of at most ``count`` successes."""
    return math.fsum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(count + 1))


def _root(increasing: Callable[[float], float]) -> float:
    """Return where a function that increases on [0, 1] crosses zero, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if increasing(middle) > 0 else (middle, high)
    return (low + high) / 2
