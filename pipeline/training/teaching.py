"""From a recipe and the tables of a run to a trained model, whichever the method."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.records import Sample, Task
from pipeline.store import read_rows
from pipeline.tables import from_row
from pipeline.training.config import TrainConfig
from pipeline.training.memory import explained
from pipeline.training.running import Report
from pipeline.training_samples import PreferencePair

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

PREFERENCE = "preference"  # the table that curate leaves beside its samples


def teach(recipe: "Recipe", out: Path, directory: Path, report: Report) -> dict[str, Any]:
    """Train and leave ``untrained/`` and ``student/`` in the directory; return the logged steps and the counts.

    Args:
        recipe: with a section ``train``.
        out: the run's directory, whose tables are read.
        directory: the stage's folder.
        report: called after every optimizer step.

    Raises:
        UserError: there is nothing to train on, the section asks for what there is not, or memory runs out.
        InfrastructureError: the judge failed again and again (grpo).
    """
    assert recipe.train is not None  # noqa: S101  (the stage has checked it)
    method = {"sft": _sft, "dpo": _dpo, "grpo": _grpo}[recipe.train.method]
    with explained(recipe.train.method):
        return method(recipe, recipe.train, out, directory, report)


def _sft(recipe: "Recipe", config: TrainConfig, out: Path, directory: Path, report: Report) -> dict[str, Any]:
    from pipeline.training.sft import train

    samples = [from_row(Sample, row) for row in read_rows(out / "curate")]
    if not samples:
        raise UserError("train: curate has kept no sample to train on")
    return train(samples, config, directory, recipe.seed, report)


def _dpo(recipe: "Recipe", config: TrainConfig, out: Path, directory: Path, report: Report) -> dict[str, Any]:
    from pipeline.training.dpo import train

    there = (out / "curate" / f"{PREFERENCE}.parquet").exists()
    pairs = [from_row(PreferencePair, row) for row in read_rows(out / "curate", PREFERENCE)] if there else []
    if not pairs:
        raise UserError(
            "train: curate has left no pair of answers: it takes a right and a wrong one to the same task, or two of "
            "different speed"
        )
    return train(pairs, config, directory, recipe.seed, report)


def _grpo(recipe: "Recipe", config: TrainConfig, out: Path, directory: Path, report: Report) -> dict[str, Any]:
    from pipeline.agent.prompting import SHIPPED
    from pipeline.executors import open_judge
    from pipeline.training.grpo import train

    tasks = [from_row(Task, row) for row in read_rows(out / "tasks") if row["split"] == "train"]
    if not tasks:
        raise UserError("train: no task is of split 'train'")
    prompts = recipe.generate.asked if recipe.generate else SHIPPED
    with open_judge(recipe.executor, recipe.judge) as judge:
        return train(tasks, config, judge, directory, recipe.seed, report, prompts)
