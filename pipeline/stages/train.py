"""train: teaches a model, by curated samples, by pairs of answers, or by the judge."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.stages import StageContext
from pipeline.training.config import TrainConfig
from pipeline.training.launching import launch
from pipeline.training.running import Report
from pipeline.training.teaching import teach

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

__all__ = ["SCHEMA", "TrainConfig", "run"]

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


def check(recipe: "Recipe") -> None:
    """See whether the section can be trained by; see ``pipeline.checks``."""
    config = recipe.train
    if config is None:
        return
    if config.method == "dpo" and (recipe.curate is None or recipe.curate.preference is None):
        raise UserError(
            "train.method: dpo learns from pairs of answers, which curate leaves with 'curate.preference: {}'"
        )
    if config.accelerate is not None and not config.accelerate.is_file():
        raise UserError(f"train.accelerate: {config.accelerate} is not a file")
    from pipeline.training.checking import check_arguments, check_reward

    if recipe.judge.backend != "auto":
        check_reward(config, recipe.judge.backend)
    check_arguments(config, recipe.seed)


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per logged step; leave ``untrained/`` and ``student/`` beside the table; return counts.

    Raises:
        UserError: there is nothing to train on, or the section asks for what there is not.
        InfrastructureError: the judge failed again and again (grpo), or a process of several died.
    """
    config = context.recipe.train
    if config is None:
        raise UserError("the recipe has no section 'train'")
    if config.accelerate is None:
        outcome = teach(context.recipe, context.out, context.store.directory, _reporter(context))
    else:
        outcome = launch(context.recipe, context.out, context.store.directory, _reporter(context))
    for entry in outcome["steps"]:
        figures = {column: entry.get(name) for name, column in COLUMNS.items()}
        context.store.append(f"{entry['step']:08d}", {"step": entry["step"], **figures})
    return outcome["stats"]


def _reporter(context: StageContext) -> Report:
    done: int | None = None

    def report(step: int, total: int, note: str) -> None:
        nonlocal done
        if done is None:
            done = step - 1  # what an earlier run did
            context.progress.start(total, done)
        context.progress.advance(step - done, note)
        done = step

    return report
