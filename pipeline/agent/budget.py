"""Who gets how much: little for easy tasks, more for hard ones, and never more in all than the recipe grants.

Difficulty is ConCuR's (arXiv 2510.07356): the average reasoning length of one teacher's samples of a task (ARL), easy
below 4000 tokens, hard above 8500. Each task gets ``probe`` units first (a unit is a sample in translate, a
generation in evolve); what is left of ``per_task`` units a task is then divided by weight. All of it is a function of
the stored candidates, so an interrupted run divides alike.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.curation.features import count_tokens
from pipeline.section import Section

Difficulty = Literal["easy", "medium", "hard"]


class AdaptiveConfig(Section):
    """How units are divided. Lengths are counted as curation counts them: words and punctuation marks of reasoning.

    ``probe``: units that every task gets. A task whose reasoning is shorter than ``easy_below`` on average is easy,
    one above ``hard_above`` hard; ``easy``, ``medium`` and ``hard`` are the weights by which the rest is divided, 0
    stops there. ``most``: at most so many units for one task, None: twice the recipe's units a task.
    """

    probe: int = Field(default=1, ge=1)
    easy_below: float = Field(default=4000, ge=0)
    hard_above: float = Field(default=8500, ge=0)
    easy: float = Field(default=0.0, ge=0)
    medium: float = Field(default=1.0, ge=0)
    hard: float = Field(default=2.0, ge=0)
    most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _bins_are_in_order(self) -> Self:
        if self.easy_below > self.hard_above:
            raise ValueError(f"easy_below ({self.easy_below:g}) is above hard_above ({self.hard_above:g})")
        return self


def average_length(reasonings: Sequence[str | None]) -> float | None:
    """Return the mean number of tokens of a task's reasonings (ARL); None if there are none to average."""
    told = [count_tokens(reasoning) for reasoning in reasonings if reasoning is not None]
    return sum(told) / len(told) if told else None


def difficulty(average: float | None, config: AdaptiveConfig) -> Difficulty:
    """Return a task's bin; ``medium`` where nothing was reasoned, so nothing is known."""
    if average is None or config.easy_below <= average <= config.hard_above:
        return "medium"
    return "easy" if average < config.easy_below else "hard"


def most_units(config: AdaptiveConfig, per_task: int) -> int:
    """Return how many units one task may get."""
    return config.most if config.most is not None else 2 * per_task


def divide(bins: Mapping[str, Difficulty], per_task: int, config: AdaptiveConfig) -> dict[str, int]:
    """Return how many units each task gets, its ``probe`` included.

    The sum is at most ``per_task`` for each task, no task gets more than ``most_units``. The rest after the probes is
    divided by weight, rounded down, and what rounding leaves goes to the heaviest first, then by task id.
    """
    most = max(config.probe, most_units(config, per_task))
    units = dict.fromkeys(sorted(bins), min(config.probe, per_task))
    left = len(units) * per_task - sum(units.values())
    weights = {task: float(getattr(config, bins[task])) for task in units}
    order = sorted(units, key=lambda task: (-weights[task], task))
    while left > 0:
        open_tasks = [task for task in order if weights[task] > 0 and units[task] < most]
        total = sum(weights[task] for task in open_tasks)
        if not open_tasks:
            break
        shares = {task: min(int(left * weights[task] / total), most - units[task]) for task in open_tasks}
        if not any(shares.values()):
            shares = dict.fromkeys(open_tasks[:left], 1)
        for task, share in shares.items():
            units[task] += share
            left -= share
    return units


def figures(bins: Mapping[str, Difficulty], units: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return how many tasks each bin holds and how many units went to them, for the stage's stats."""
    tasks, given = Counter(bins.values()), Counter[str]()
    for task, name in bins.items():
        given[name] += units[task]
    return {name: {"tasks": tasks[name], "units": given[name]} for name in ("easy", "medium", "hard")}
