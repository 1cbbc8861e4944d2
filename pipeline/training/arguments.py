"""From a recipe's section to TRL's configuration classes, under their own names for everything."""

import dataclasses
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import UserError, first_line, nearest
from pipeline.training.config import TrainConfig

if TYPE_CHECKING:
    from transformers import TrainingArguments

OURS = {  # what the pipeline decides, and what to set instead
    "output_dir": "models go to the stage's folder",
    "max_length": "set train.max_length, which leaves long samples out instead of cutting them",
    "resume_from_checkpoint": "an interrupted run continues by itself",
    "seed": "set the recipe's seed",
    "data_seed": "set the recipe's seed",
    "loss_type": "set train.loss",
    "dataset_kwargs": "samples come tokenized already",
    "completion_only_loss": "only the answer is trained on",
}

WORDS = {int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
Arguments = TypeVar("Arguments", bound="TrainingArguments")


def trl_arguments(
    kind: type[Arguments],
    section: str,
    given: dict[str, Any],
    decided: dict[str, Any],
    config: TrainConfig,
) -> Arguments:
    """Return TRL's configuration for a section of the recipe.

    Args:
        kind: SFTConfig, GRPOConfig or DPOConfig.
        section: where ``given`` stands in the recipe, for messages.
        given: what the recipe says; it overrides our defaults.
        decided: what it may not say.
        config: the section ``train``.

    Raises:
        UserError: an unknown key (the message names the nearest one), a key that is ours, or a bad value.
    """
    import torch

    known = {field.name for field in dataclasses.fields(kind) if field.init}
    for key in given:
        if key in decided or key == "resume_from_checkpoint":
            raise UserError(f"{section}.{key}: {OURS[key]}")
        if key not in known:
            near = nearest(key, known - decided.keys())
            raise UserError(f"{section}.{key}: unknown key" + (f"; did you mean {near}?" if near else ""))
    given = _converted(kind, section, given)
    gpu = torch.cuda.is_available()
    defaults = {
        "report_to": "none",
        "logging_steps": 10,
        "save_steps": 100,
        "save_total_limit": 2,
        "bf16": gpu,
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "disable_tqdm": True,
        "logging_nan_inf_filter": False,  # it would log the mean of the steps before in place of a loss of NaN
    }
    # The newer of its two names comes with transformers 5.2x; a small model has memory enough without it.
    checkpointing = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    defaults[checkpointing] = given.get("gradient_checkpointing", config.model.kind == "hub")
    try:
        arguments = kind(**{**defaults, **given, **decided})
    except (TypeError, ValueError) as error:
        raise UserError(f"{section}: {first_line(error)}") from error
    _check_reporting(section, arguments)
    if arguments.save_strategy == "steps" and arguments.save_steps % arguments.logging_steps:
        # A logged loss is the mean since the line before; after a resume it would be that since the checkpoint.
        raise UserError(
            f"{section}.save_steps: must be a multiple of logging_steps, or a resumed run logs other means"
        )
    return arguments


def _converted(kind: type["TrainingArguments"], section: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the values with numbers as numbers: YAML reads 1e-4 as a text, and the class would keep it.

    Raises:
        UserError: a key that takes a number or a truth value was given something else.
    """
    hints = get_type_hints(kind)
    converted = dict(given)
    for key, value in given.items():
        kinds = set(get_args(hints[key]) or (hints[key],))
        if not kinds <= {int, float, bool, NoneType}:
            continue
        try:
            converted[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError:
            wanted = " or ".join(sorted(WORDS[one] for one in kinds))
            raise UserError(f"{section}.{key}: must be {wanted} (given: {value!r})") from None
    return converted


def _check_reporting(section: str, arguments: "TrainingArguments") -> None:
    """Refuse a tracker that is unknown or not installed before a model is loaded; TRL would after it."""
    from transformers.integrations.integration_utils import get_reporting_integration_callbacks

    try:
        for tracker in get_reporting_integration_callbacks(arguments.report_to):
            tracker()
    except (ValueError, RuntimeError, ImportError) as error:
        raise UserError(f"{section}.report_to: {first_line(error)}") from error


def decided_by_us(output: Path, seed: int) -> dict[str, Any]:
    """Return what every configuration gets from the pipeline."""
    return {"output_dir": str(output), "seed": seed, "data_seed": seed}
