"""Tasks composed from a few operators each, made without a download.

Held-out tasks never share their sequence of operators (category and operators in order, constants aside) with a
training task.
"""

import random
from collections.abc import Iterator
from typing import Literal, get_args

from pydantic import Field

from pipeline.errors import UserError
from pipeline.judge.task_filters import TaskFilters
from pipeline.records import Split, Task
from pipeline.section import Section
from pipeline.sources.compositions import Category, Composition, draw, draw_sizes, module_text
from pipeline.sources.soundness import is_sound

# One round of categories; elementwise tasks come twice as often, as they are the ones with the most combinations.
ROUND: tuple[Category, ...] = (*get_args(Category), "elementwise")
MAX_DRAWS = 500
# ``soundness`` has looked at spread already, and left out each operator whole. What is left for the filters to find
# are the guards that operators bring along: the ``abs`` of a square root after a softplus.
FILTERS = TaskFilters(axis_std=None, redundant_operation=None)


class Config(Section):
    """How many tasks of each split; the first tasks stay the same when ``train`` grows."""

    source: Literal["composed"] = "composed"
    train: int = Field(default=1200, ge=0)
    heldout: int = Field(default=120, ge=0)
    filters: TaskFilters = FILTERS


def read(config: Config, seed: int) -> Iterator[Task]:
    """Yield the training tasks, then the held-out ones; no two compute the same thing (imports torch).

    Raises:
        UserError: there are not that many different tasks.
    """
    seen: set[tuple[str, ...]] = set()
    heldout = [_new(index, "heldout", seed, seen, set()) for index in range(config.heldout)]
    reserved = {composition.sequence for composition, _ in heldout}
    for index in range(config.train):
        composition, task = _new(index, "train", seed, seen, reserved)
        assert composition.sequence not in reserved  # noqa: S101  (the promise on which every evaluation rests)
        yield task
    for _, task in heldout:
        yield task


def _new(
    index: int, split: Split, seed: int, seen: set[tuple[str, ...]], reserved: set[tuple[str, ...]]
) -> tuple[Composition, Task]:
    """Draw until a composition is sound and new, and note it in ``seen``."""
    rng = random.Random(f"{seed}/{split}/{index}")  # noqa: S311  (no secret)
    category = ROUND[index % len(ROUND)]
    for _ in range(MAX_DRAWS):
        composition = draw(category, rng)
        computes = (category, composition.generator, *composition.lines)
        if composition.sequence in reserved or computes in seen or not is_sound(composition):
            continue
        seen.add(computes)
        return composition, _task(composition, index, split, rng)
    raise UserError(f"tasks.{split}: found only {index} different tasks; ask for fewer")


def _task(composition: Composition, index: int, split: Split, rng: random.Random) -> Task:
    sizes, settings = draw_sizes(composition.category, rng)
    operators = "_".join(operator.name for _, operator in composition.steps)
    return Task(
        name=f"{split}_{index:04d}_{operators}",
        reference=module_text(composition, sizes),
        settings=settings,
        category=composition.category,
        level=len(composition.steps),
        source="composed",
        licence="Apache-2.0",
        split=split,
    )
