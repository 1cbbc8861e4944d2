"""train: fine-tunes a model on the curated samples."""

from typing import Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.records import Sample
from pipeline.stages import StageContext
from pipeline.tables import from_row
from pipeline.training.config import TrainConfig

__all__ = ["SCHEMA", "TrainConfig", "run"]

FIGURES = ("loss", "learning_rate", "grad_norm", "mean_token_accuracy", "entropy", "epoch")
SCHEMA = pa.schema([pa.field("step", pa.int64()), *(pa.field(name, pa.float64()) for name in FIGURES)])


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per logged step; leave ``untrained/`` and ``student/`` beside the table; return counts.

    Raises:
        UserError: there is nothing to train on, or the section asks for what there is not (see ``sft.train``).
    """
    from pipeline.training.sft import train

    config = context.recipe.train
    if config is None:
        raise UserError("the recipe has no section 'train'")
    samples = [from_row(Sample, row) for row in context.read("curate")]
    if not samples:
        raise UserError("train: curate has kept no sample to train on")
    done: int | None = None

    def report(step: int, total: int, note: str) -> None:
        nonlocal done
        if done is None:
            done = step - 1  # what an earlier run did
            context.progress.start(total, done)
        context.progress.advance(step - done, note)
        done = step

    outcome = train(samples, config, context.store.directory, context.recipe.seed, report)
    for entry in outcome["steps"]:
        context.store.append(f"{entry['step']:08d}", {name: entry.get(name) for name in SCHEMA.names})
    return outcome["stats"]
