"""How hard a task is, by how long one model reasons about it: ARL, the average reasoning length (ConCuR)."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

Difficulty = Literal["easy", "medium", "hard"]
DIFFICULTIES: tuple[Difficulty, ...] = get_args(Difficulty)
EASY_BELOW, HARD_ABOVE = 4000.0, 8500.0  # tokens; arXiv 2510.07356, which takes 10 samples of a 32B model


def average_reasoning_length(lengths: Sequence[int | None]) -> float | None:
    """Return the mean of the known lengths in tokens, None if none is known."""
    known = [length for length in lengths if length is not None]
    return sum(known) / len(known) if known else None


def difficulty(arl: float, easy_below: float = EASY_BELOW, hard_above: float = HARD_ABOVE) -> Difficulty:
    """Return the bin of an average reasoning length in tokens; both bounds are medium.

    The bounds belong to the model whose reasoning is measured: another model needs its own (see ``terciles``).
    """
    if arl < easy_below:
        return "easy"
    return "hard" if arl > hard_above else "medium"


def terciles(arls: Mapping[str, float]) -> tuple[float, float]:
    """Return bounds that put about a third of the tasks into each bin, for a model of another verbosity.

    Raises:
        ValueError: there is no task.
    """
    if not arls:
        raise ValueError("no task has a reasoning length")
    ordered = sorted(arls.values())
    last = len(ordered) - 1
    return ordered[round(last / 3)], ordered[round(2 * last / 3)]
