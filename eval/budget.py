"""What a number of tokens buys: samples are drawn until the budget is spent, and the best of them counts."""

import itertools
import math
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAX_EXACT = 5  # samples whose orders (120) are all looked at; of more, ORDERS random ones
ORDERS = 400


class Attempt(NamedTuple):
    """One sample: its completion tokens, and what it is worth (1 if right else 0, or its speedup if right else 0)."""

    tokens: int
    value: float


def best_within(attempts: Sequence[Attempt], budget: int, seed: int = 0) -> float:
    """Return the expected best value of samples drawn in random order until the next would exceed the budget.

    0 where not even one sample can be paid for. Exact for up to ``MAX_EXACT`` samples, else a mean over ``ORDERS``
    random orders. A budget beyond the sum of all samples can't be told from that sum: give it only where ``covers``.

    Raises:
        ValueError: there is no sample, or one has negative tokens.
    """
    if not attempts or min(attempt.tokens for attempt in attempts) < 0:
        raise ValueError("no sample, or one with negative tokens")
    orders: Iterable[Sequence[Attempt]]
    if len(attempts) <= MAX_EXACT:
        orders = itertools.permutations(attempts)
        count = math.factorial(len(attempts))
    else:
        draw = random.Random(seed)  # noqa: S311  (no secret)
        orders = (draw.sample(attempts, len(attempts)) for _ in range(ORDERS))
        count = ORDERS
    return math.fsum(_best(order, budget) for order in orders) / count


def covers(attempts: Sequence[Attempt], budget: int) -> bool:
    """Return whether the samples are enough to spend this budget."""
    return sum(attempt.tokens for attempt in attempts) >= budget


def cost_per_solved(costs: Sequence[float], solved: int) -> float | None:
    """Return what all samples cost (tokens, or money) per task that was solved; None where none was.

    Unsolved tasks are paid for too, which is why this is no mean over the solved ones.
    """
    return math.fsum(costs) / solved if solved else None


def _best(order: Sequence[Attempt], budget: int) -> float:
    best, spent = 0.0, 0
    for attempt in order:
        spent += attempt.tokens
        if spent > budget:
            break
        best = max(best, attempt.value)
    return best
