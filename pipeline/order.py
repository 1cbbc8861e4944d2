"""Which stages there are, which of them a recipe has, and whose tables each one reads."""

from typing import Any, get_args

from eval.config import EvaluateConfig
from eval.suite import HELDOUT
from pipeline.errors import UserError
from pipeline.recipe import Recipe, StageName

ORDER: tuple[StageName, ...] = get_args(StageName)
NEEDS: dict[StageName, tuple[StageName, ...]] = {
    "tasks": (),
    "generate": ("tasks",),
    "verify": ("tasks", "generate"),
    "curate": ("tasks", "generate", "verify"),
    "train": ("curate",),
    "evaluate": ("tasks", "train"),
    "publish": ("tasks", "generate", "verify", "curate"),
}
GRPO_NEEDS: tuple[StageName, ...] = ("tasks",)  # it learns from the judge, not from samples


def wanted_stages(recipe: Recipe, last: StageName) -> list[StageName]:
    """Return a stage and those that it needs, in their order.

    Raises:
        UserError: the recipe lacks the section of one of them: better said before hours of work than after.
    """
    wanted = _with_needs(recipe, last)
    for stage in wanted:
        section_of(recipe, stage)
    return wanted


def last_stage(recipe: Recipe) -> StageName:
    """Return the last stage that a recipe has a section for; what is generated is judged without a section."""
    sections = {"verify": "generate"}
    present: list[StageName] = [s for s in ORDER if getattr(recipe, sections.get(s, s)) is not None]
    return present[-1]


def needs(recipe: Recipe, stage: StageName) -> tuple[StageName, ...]:
    """Return the stages whose tables a stage reads."""
    if stage == "publish":
        return _needs_of_publish(recipe)
    if stage == "evaluate" and recipe.evaluate is not None:
        return _needs_of_evaluate(recipe.evaluate)
    return GRPO_NEEDS if stage == "train" and learns_from_the_judge(recipe) else NEEDS[stage]


def _needs_of_publish(recipe: Recipe) -> tuple[StageName, ...]:
    """Return what goes into the dataset, unless only a model is published, into the model, and into their cards."""
    needed: list[StageName] = list(NEEDS["publish"])
    if recipe.publish is not None and recipe.publish.model is not None:
        needed = [*(needed if recipe.curate is not None else ()), "train"]
    return (*needed, "evaluate") if recipe.evaluate is not None else tuple(needed)


def _needs_of_evaluate(config: EvaluateConfig) -> tuple[StageName, ...]:
    """Return nothing for others' models on a suite: neither tasks nor a student are made for that."""
    tasks: tuple[StageName, ...] = ("tasks",) if config.suite == HELDOUT else ()
    return (*tasks, "train") if config.trained else tasks


def learns_from_the_judge(recipe: Recipe) -> bool:
    """Return whether the student is trained on the judge's verdicts on its own answers."""
    return recipe.train is not None and recipe.train.method == "grpo"


def _with_needs(recipe: Recipe, stage: StageName) -> list[StageName]:
    wanted: set[StageName] = {stage}
    for name in reversed(ORDER):
        if name in wanted:
            wanted.update(needs(recipe, name))
    return [name for name in ORDER if name in wanted]


def section_of(recipe: Recipe, stage: StageName) -> Any:
    """Return a stage's section of the recipe.

    Raises:
        UserError: there is none.
    """
    section = recipe.judge if stage == "verify" else getattr(recipe, stage)
    if section is None:
        raise UserError(f"recipe {recipe.name}: section {stage!r} is missing")
    return section
