"""What a recipe shows to be wrong before anything is run: better said at once than after hours of work.

A stage's module may have a function ``check(recipe)``, which raises UserError. It looks at the recipe, at this
machine and at the files that the recipe names; it asks no server and reads no stage's tables.
"""

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from eval.suite import HELDOUT
from pipeline.errors import UserError
from pipeline.order import learns_from_the_judge
from pipeline.recipe import Recipe, StageName
from pipeline.records import Split
from pipeline.store import read_rows


def module_of(stage: StageName) -> ModuleType:
    """Return the module of a stage."""
    return importlib.import_module(f"pipeline.stages.{stage}")


def check_stages(recipe: Recipe, stages: Iterable[StageName]) -> None:
    """Have each stage look at the recipe.

    Raises:
        UserError: one of them could not do what the recipe says.
    """
    for stage in stages:
        if (check := getattr(module_of(stage), "check", None)) is not None:
            check(recipe)


def check_tasks(recipe: Recipe, out: Path, wanted: Sequence[StageName]) -> None:
    """See whether the tasks of a run are what its later stages need; raises as ``check_splits`` does."""
    check_splits(recipe, [row["split"] for row in read_rows(out / "tasks")], wanted)


def check_splits(recipe: Recipe, splits: Sequence[Split], wanted: Sequence[StageName]) -> None:
    """See whether there are tasks to learn on and tasks to be evaluated on, as far as stages want them.

    Raises:
        UserError: there are none.
    """
    learns = "generate" in wanted or ("train" in wanted and learns_from_the_judge(recipe))
    if learns and "train" not in splits:
        raise UserError(f"tasks: none of {len(splits)} is of split 'train', and there must be some to learn on")
    heldout = "evaluate" in wanted and recipe.evaluate is not None and recipe.evaluate.suite == HELDOUT
    if heldout and "heldout" not in splits:
        raise UserError(
            f"tasks: none of {len(splits)} is held out, and evaluate.suite is {HELDOUT!r}; raise {_share(recipe)}, "
            "or name another suite"
        )


def _share(recipe: Recipe) -> str:
    return "tasks.heldout" if recipe.tasks.source == "composed" else "tasks.heldout_share"
