"""Test-time scaling: what more samples bring, when they stop bringing, and which way to spend tokens."""

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

GRID = 400


class Saturation(NamedTuple):
    """The curve F(N) = f_max (1 - (1-p)^N) and its largest error at the points it was fitted to."""

    p: float
    f_max: float
    error: float

    def at(self, n: float) -> float:
        """Return F(n)."""
        return self.f_max * (1 - (1 - self.p) ** n)


def saturation_point(p: float, f_max: float, epsilon: float) -> int:
    """Return N* = ceil(ln(eps / (f_max p)) / ln(1-p)), from which one more sample gains less than epsilon.

    TTSPM (arXiv 2505.20522); F(N+1) - F(N) = f_max p (1-p)^N. 0 where even the first sample gains less.

    Raises:
        ValueError: not 0 < p <= 1, 0 < f_max <= 1 and epsilon > 0.
    """
    if not (0 < p <= 1 and 0 < f_max <= 1 and epsilon > 0):
        raise ValueError(f"no saturation point of p={p}, f_max={f_max}, epsilon={epsilon}")
    if epsilon >= f_max * p:
        return 0
    return 1 if p == 1 else math.ceil(math.log(epsilon / (f_max * p)) / math.log(1 - p))


def fit_saturation(points: Mapping[int, float]) -> Saturation | None:
    """Fit p and f_max to pass@N by least squares; None where nothing was solved or there are fewer than two points.

    For each p the best f_max is known in closed form, so p alone is searched, on a logarithmic grid that is refined
    around its best. Points of one curve share their samples: the error says how well the form fits, no more.
    """
    ns = np.array(sorted(points), dtype=np.float64)
    values = np.array([points[int(n)] for n in ns])
    if len(ns) < 2 or values.max() <= 0:
        return None

    def best_for(p: float) -> tuple[float, float]:
        shape = 1 - (1 - p) ** ns
        f_max = float(np.clip((shape @ values) / (shape @ shape), 1e-9, 1.0))
        return float(((f_max * shape - values) ** 2).sum()), f_max

    low, high, p = 1e-5, 1.0, 1.0
    for _ in range(4):
        grid = np.geomspace(low, high, GRID)
        place = min(range(GRID), key=lambda i: best_for(grid[i])[0])
        low, high, p = grid[max(0, place - 1)], grid[min(GRID - 1, place + 1)], float(grid[place])
    f_max = best_for(p)[1]
    error = float(np.abs(f_max * (1 - (1 - p) ** ns) - values).max())
    return Saturation(p, f_max, error)


class Turn(NamedTuple):
    """One answer of a rollout: its completion tokens and whether it is right."""

    tokens: int
    right: bool


def sequential(rollouts: Sequence[Sequence[Turn]], budget: int) -> float:
    """Return the share of rollouts that hold a right answer within the budget, repairing turn after turn.

    A rollout that ends unsolved with budget left starts nothing new: restarts are what ``mixed`` adds.

    Raises:
        ValueError: there is no rollout.
    """
    if not rollouts:
        raise ValueError("no rollout")
    return sum(_solved_within(rollout, budget) for rollout in rollouts) / len(rollouts)


def parallel(rollouts: Sequence[Sequence[Turn]], budget: int) -> float:
    """Return the expected share solved by first answers alone, drawn until the budget is spent.

    The first turns of a task's rollouts are independent samples, so both ways are compared on the same answers.
    """
    from eval.budget import Attempt, best_within

    return best_within([Attempt(r[0].tokens, float(r[0].right)) for r in rollouts if r], budget)


def mixed(rollouts: Sequence[Sequence[Turn]], budget: int) -> float:
    """Return the expected share solved by whole rollouts, one after another, until the budget is spent.

    A rollout that runs out of budget midway still counts for the turns that it paid for; averaged over all cyclic
    orders of the rollouts.

    Raises:
        ValueError: there is no rollout.
    """
    if not rollouts:
        raise ValueError("no rollout")
    orders = ([*rollouts[i:], *rollouts[:i]] for i in range(len(rollouts)))
    return sum(_solved_within([t for r in order for t in r], budget) for order in orders) / len(rollouts)


def allocate(
    solve_rates: Mapping[str, float],
    costs: Mapping[str, float],
    budget: float,
    *,
    weights: Mapping[str, int] | None = None,
    least: int = 0,
    most: int | None = None,
) -> dict[str, int]:
    """Return how many samples to draw per bin or task so that the expected number of solved ones is largest.

    Greedy by gain per token, w p (1-p)^n / cost, which is optimal up to the last sample because gains only fall.
    Tasks without a chance get none: that is what the rate says, and with few samples a rate of 0 is no proof; smooth
    it.

    Args:
        solve_rates: chance that one sample is right, per bin or task.
        costs: tokens of a sample there, for a bin of a sample for each of its tasks.
        budget: tokens in total.
        weights: tasks per bin; 1 by default.
        least: samples that each gets in any case.
        most: samples that each gets at most.
    """
    chosen = dict.fromkeys(solve_rates, least)
    budget -= least * sum(costs.values())

    def gain(name: str) -> float:
        p = solve_rates[name]
        return (weights[name] if weights else 1) * p * (1 - p) ** chosen[name] / costs[name]

    heap = [(-gain(name), name) for name in solve_rates if gain(name) > 0]
    heapq.heapify(heap)
    while heap:
        _, name = heapq.heappop(heap)
        if costs[name] > budget or chosen[name] == most:
            continue
        budget -= costs[name]
        chosen[name] += 1
        if gain(name) > 0:
            heapq.heappush(heap, (-gain(name), name))
    return chosen


def _solved_within(turns: Sequence[Turn], budget: int) -> bool:
    spent = 0
    for turn in turns:
        spent += turn.tokens
        if spent > budget:
            return False
        if turn.right:
            return True
    return False
