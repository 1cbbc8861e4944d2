"""train: teaches a model, by curated samples, by pairs of answers, or by the judge."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.records import PreferencePair, Sample, Task
from pipeline.stages import StageContext
from pipeline.tables import from_row
from pipeline.training.config import TrainConfig

__all__ = ["SCHEMA", "TrainConfig", "run"]

PREFERENCE = "preference"  # what curate leaves beside its samples
COLUMNS = {  # by their names in TRL's log
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "mean_token_accuracy": "mean_token_accuracy",
    "entropy": "entropy",
    "epoch": "epoch",
    "reward": "reward",  # of grpo
    "reward_std": "reward_std",
    "completions/mean_length": "completion_tokens",
    "rewards/accuracies": "preference_accuracy",  # of dpo
    "rewards/margins": "preference_margin",
}
SCHEMA = pa.schema([pa.field("step", pa.int64()), *(pa.field(name, pa.float64()) for name in COLUMNS.values())])


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per logged step; leave ``untrained/`` and ``student/`` beside the table; return counts.

    Raises:
        UserError: there is nothing to train on, or the section asks for what there is not.
        InfrastructureError: the judge failed again and again (grpo).
    """
    config = context.recipe.train
    if config is None:
        raise UserError("the recipe has no section 'train'")
    train = {"sft": _sft, "dpo": _dpo, "grpo": _grpo}[config.method]
    outcome = train(context, config, _reporter(context))
    for entry in outcome["steps"]:
        figures = {column: entry.get(name) for name, column in COLUMNS.items()}
        context.store.append(f"{entry['step']:08d}", {"step": entry["step"], **figures})
    return outcome["stats"]


def _sft(context: StageContext, config: TrainConfig, report: Callable[[int, int, str], None]) -> dict[str, Any]:
    from pipeline.training.sft import train

    samples = [from_row(Sample, row) for row in context.read("curate")]
    if not samples:
        raise UserError("train: curate has kept no sample to train on")
    return train(samples, config, context.store.directory, context.recipe.seed, report)


def _dpo(context: StageContext, config: TrainConfig, report: Callable[[int, int, str], None]) -> dict[str, Any]:
    from pipeline.training.dpo import train

    there = (context.out / "curate" / f"{PREFERENCE}.parquet").exists()
    pairs = [from_row(PreferencePair, row) for row in context.read("curate", PREFERENCE)] if there else []
    if not pairs:
        raise UserError("train: curate has left no pair of answers; name {kind: preference} in curate.forms")
    return train(pairs, config, context.store.directory, context.recipe.seed, report)


def _grpo(context: StageContext, config: TrainConfig, report: Callable[[int, int, str], None]) -> dict[str, Any]:
    from pipeline.judge.judge import Judge
    from pipeline.training.grpo import train

    tasks = list(_train_tasks(context))
    if not tasks:
        raise UserError("train: no task is of split 'train'")
    with Judge(context.recipe.judge, context.recipe.seed) as judge:
        return train(tasks, config, judge, context.store.directory, context.recipe.seed, report)


def _train_tasks(context: StageContext) -> Iterator[Task]:
    return (from_row(Task, row) for row in context.read("tasks") if row["split"] == "train")


def _reporter(context: StageContext) -> Callable[[int, int, str], None]:
    done: int | None = None

    def report(step: int, total: int, note: str) -> None:
        nonlocal done
        if done is None:
            done = step - 1  # what an earlier run did
            context.progress.start(total, done)
        context.progress.advance(step - done, note)
        done = step

    return report
