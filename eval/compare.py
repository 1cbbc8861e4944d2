"""Is A better than B? On the same tasks: paired bootstrap, wins and losses per task, McNemar's exact test."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from eval.metrics import DIFFERENCE, Bounds, Estimate, interval
from pipeline.errors import UserError


class TaskDifference(NamedTuple):
    """A task's shares of right samples under A and B."""

    task_id: str
    name: str
    a: float
    b: float


class McNemar(NamedTuple):
    """Tasks that only A, or only B, solves, and the chance of a split at least as uneven were both alike."""

    only_a: int
    only_b: int
    p_value: float


class SpeedRatio(NamedTuple):
    """How much faster A's right answers are than B's, over the tasks for which both have timed ones.

    ``ratio`` is the geometric mean over tasks of (A's / B's), each the geometric mean of its speedups there.
    """

    n_tasks: int
    ratio: Estimate
    faster: int
    slower: int


class Comparison(NamedTuple):
    """``difference`` is A's mean share of right samples minus B's; ``speed`` is None where no task tells."""

    n_tasks: int
    difference: Estimate
    first: McNemar
    any_of: McNemar
    wins: list[TaskDifference]
    losses: list[TaskDifference]
    left_out: int
    speed: SpeedRatio | None = None


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> McNemar:
    """Return McNemar's exact two-sided test: of the n discordant pairs, min(only_a, only_b) is Binomial(n, 1/2).

    Raises:
        ValueError: the sequences differ in length.
    """
    pairs = list(zip(a, b, strict=True))
    only_a, only_b = (sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs))
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return McNemar(only_a, only_b, min(1.0, 2 * tail / 2**n))


def paired_bootstrap(
    a: Sequence[float], b: Sequence[float], resamples: int, seed: int, bounds: Bounds | None = DIFFERENCE
) -> Estimate:
    """Return the mean of a - b and its 95% percentile interval, resampling tasks with both values of each.

    Where all differences are the same, or there is one, the interval is that of ``alike`` within the bounds: those of
    a difference of shares; None, as for speeds, leaves it without width.

    Raises:
        ValueError: the sequences differ in length, or there is no task or no resample.
    """
    differences = np.array([x - y for x, y in zip(a, b, strict=True)])
    if not len(differences) or resamples < 1:
        raise ValueError("a difference over no task, or no resample")
    generator = np.random.default_rng(seed)
    size = len(differences)
    means = [differences[generator.integers(size, size=size)].mean() for _ in range(resamples)]
    return interval(float(differences.mean()), means, size, bounds)


def compare(a: Mapping[str, Any], b: Mapping[str, Any], resamples: int = 2000, seed: int = 0) -> Comparison:
    """Compare two models' ``tasks`` of results.json on the tasks that both were asked.

    ``first`` tests the samples of index 0 (pass@1), ``any_of`` whether any sample is right.

    Raises:
        UserError: they share no task.
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        raise UserError("compare: the two have no task in common")
    right = {side: [_right(tasks[key]) for key in shared] for side, tasks in (("a", a), ("b", b))}
    rates = {side: [sum(r) / len(r) for r in rows] for side, rows in right.items()}
    differences = [
        TaskDifference(key, a[key]["name"], x, y) for key, x, y in zip(shared, rates["a"], rates["b"], strict=True)
    ]
    return Comparison(
        n_tasks=len(shared),
        difference=paired_bootstrap(rates["a"], rates["b"], resamples, seed),
        first=mcnemar([r[0] for r in right["a"]], [r[0] for r in right["b"]]),
        any_of=mcnemar([any(r) for r in right["a"]], [any(r) for r in right["b"]]),
        wins=sorted((d for d in differences if d.a > d.b), key=lambda d: (d.b - d.a, d.name)),
        losses=sorted((d for d in differences if d.b > d.a), key=lambda d: (d.a - d.b, d.name)),
        left_out=len(a.keys() ^ b.keys()),
        speed=_speed([(a[key], b[key]) for key in shared], resamples, seed),
    )


def _speed(pairs: Sequence[tuple[Any, Any]], resamples: int, seed: int) -> SpeedRatio | None:
    """Compare the speeds of pairs of a task's answers, A's and B's."""
    logs = [(_log_speed(one), _log_speed(other)) for one, other in pairs]
    both = [(x, y) for x, y in logs if x is not None and y is not None]
    if not both:
        return None
    found = paired_bootstrap([x for x, _ in both], [y for _, y in both], resamples, seed, bounds=None)
    ratio = Estimate(*map(math.exp, found))
    return SpeedRatio(len(both), ratio, sum(x > y for x, y in both), sum(x < y for x, y in both))


def _log_speed(task: Mapping[str, Any]) -> float | None:
    """Return the mean logarithm of the speedups of a task's right answers, None where none was timed."""
    timed = [s["speedup"] for s in task["samples"] if s["status"] == "correct" and s.get("speedup") is not None]
    return math.fsum(map(math.log, timed)) / len(timed) if timed else None


def _right(task: Mapping[str, Any]) -> list[bool]:
    return [sample["status"] == "correct" for sample in task["samples"]]
