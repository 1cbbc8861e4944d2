"""Tasks composed from a few operators each, made without a download.

Held-out tasks never share their sequence of operators (category and operators in order, constants aside) with a
training task.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from pipeline.errors import UserError
from pipeline.judge.task_filters import TaskFilters
from pipeline.records import Split, Task
from pipeline.sources.catalogue import Family
from pipeline.sources.compositions import Category, Composition, draw, draw_sizes, module_text
from pipeline.sources.config import SourceConfig
from pipeline.sources.soundness import is_sound

# One round of categories; elementwise tasks come twice as often, as they are the ones with the most combinations.
ROUND: tuple[Category, ...] = (*get_args(Category), "elementwise")
MAX_DRAWS = 500
# ``soundness`` has looked at spread already, and left out each operator whole. What is left for the filters to find
# are the guards that operators bring along: the ``abs`` of a square root after a softplus.
FILTERS = TaskFilters(axis_std=None, redundant_operation=None)


class Config(SourceConfig):
    """How many tasks of each split, and of what; the first tasks stay the same when ``train`` grows.

    Attributes:
        train, heldout: numbers of tasks; what the judge's filters reject is not made up for.
        catalogue: ``quickstart`` are small elementwise, binary, reduction, softmax and bias tasks that a scripted
            teacher can solve and a small student can learn; ``full`` has all of ``catalogue.CATALOGUE``.
        families: of the full catalogue; each is in equally many tasks. Null: all.
        operators: least and most in a task.
        heldout_operators: the same for held-out tasks. Null: ``operators``. The quickstart's held-out tasks depend on
            the seed, their number and this alone, so that recipes that train on other tasks can share them.
        eager_ms: of the full catalogue, the range of times in eager mode on ``gpu``, by ``estimate.eager_estimate``;
            sizes are chosen for it. Null: small sizes, whatever the time.
        gpu: one of ``estimate.PEAKS``.
    """

    source: Literal["composed"] = "composed"
    train: int = Field(default=1200, ge=0)
    heldout: int = Field(default=120, ge=0)
    catalogue: Literal["quickstart", "full"] = "quickstart"
    families: tuple[Family, ...] | None = Field(default=None, min_length=1)
    operators: tuple[Annotated[int, Field(ge=1, le=5)], Annotated[int, Field(ge=1, le=5)]] = (1, 5)
    heldout_operators: tuple[Annotated[int, Field(ge=1, le=5)], Annotated[int, Field(ge=1, le=5)]] | None = None
    eager_ms: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = (1.0, 100.0)
    gpu: Literal["H200", "H100", "A100", "L40S", "L4", "RTX4090"] = "H100"
    filters: TaskFilters = FILTERS

    @property
    def heldout_key(self) -> str:
        """Which key of the recipe says how many tasks are made for evaluation."""
        return "tasks.heldout"

    @property
    def holds_out_none(self) -> bool:
        """Whether no task is made for evaluation."""
        return not self.heldout

    @model_validator(mode="before")
    @classmethod
    def _full_is_filtered(cls, data: Any) -> Any:
        """The full catalogue's tasks are looked at by nobody before the judge's filters."""
        if isinstance(data, dict) and data.get("catalogue") == "full":
            return {"filters": TaskFilters(), **data}
        return data

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Self:
        for name, value in (
            ("operators", self.operators),
            ("heldout_operators", self.heldout_operators),
            ("eager_ms", self.eager_ms),
        ):
            if value is not None and value[0] > value[1]:
                raise ValueError(f"{name}: the first is the least, so {value[0]} must not be above {value[1]}")
        return self

    @property
    def lengths(self) -> dict[Split, tuple[int, int]]:
        """Least and most operators in a task of each split."""
        return {"train": self.operators, "heldout": self.heldout_operators or self.operators}


def read(config: Config, seed: int) -> Iterator[Task]:
    """Yield the training tasks, then the held-out ones; no two compute the same thing (imports torch).

    Raises:
        UserError: there are not that many different tasks.
    """
    if config.catalogue == "quickstart":
        yield from _quickstart(config, seed)
        return
    from pipeline.sources import full

    counts = (config.train, config.heldout)
    families = config.families or get_args(Family)
    yield from full.read(counts, families, config.lengths, config.eager_ms, config.gpu, seed)


def _quickstart(config: Config, seed: int) -> Iterator[Task]:
    seen: set[tuple[str, ...]] = set()
    heldout = [_new(index, "heldout", seed, config.lengths, seen, set()) for index in range(config.heldout)]
    reserved = {composition.sequence for composition, _ in heldout}
    for index in range(config.train):
        composition, task = _new(index, "train", seed, config.lengths, seen, reserved)
        assert composition.sequence not in reserved  # noqa: S101  (the promise on which every evaluation rests)
        yield task
    for _, task in heldout:
        yield task


def _new(
    index: int,
    split: Split,
    seed: int,
    lengths: Mapping[Split, tuple[int, int]],
    seen: set[tuple[str, ...]],
    reserved: set[tuple[str, ...]],
) -> tuple[Composition, Task]:
    """Draw until a composition is of a wanted length, sound and new, and note it in ``seen``."""
    rng = random.Random(f"{seed}/{split}/{index}")  # noqa: S311  (no secret)
    category = ROUND[index % len(ROUND)]
    for _ in range(MAX_DRAWS):
        composition = draw(category, rng)
        computes = (category, composition.generator, *composition.lines)
        if not lengths[split][0] <= len(composition.steps) <= lengths[split][1]:
            continue
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
