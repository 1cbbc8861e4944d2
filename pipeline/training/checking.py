"""What TRL would say of a recipe's section, asked before hours of work lead there."""

import os
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.training.config import TrainConfig
from pipeline.training.estimate import processes, section_of
from pipeline.training.rewards import NEEDS_SPEED

OF_THE_DEVICE = {"bf16", "fp16", "tf32", "deepspeed", "fsdp", "fsdp_config", "use_cpu"}


def check_arguments(config: TrainConfig, seed: int) -> None:
    """Have TRL's configuration class of the method take the section as it will when it trains.

    What depends on the device is left out: to ask for a GPU here would keep its memory from the judge.

    Raises:
        UserError: see ``trl_arguments``.
    """
    given = {key: value for key, value in section_of(config).items() if key not in OF_THE_DEVICE}
    given["use_cpu"] = True
    before = dict(os.environ)  # where the class leaves notes to accelerate
    try:
        _arguments(_with_section(config, given), seed)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _arguments(config: TrainConfig, seed: int) -> object:
    output = Path("checkpoints")  # nothing is written there
    match config.method:
        case "sft":
            from pipeline.training.sft import sft_config

            return sft_config(config, output, seed)
        case "dpo":
            from pipeline.training.dpo import dpo_config

            return dpo_config(config, output, seed)
        case "grpo":
            from pipeline.training.grpo import grpo_config

            return grpo_config(config, output, seed)


def check_reward(config: TrainConfig, backend: str) -> None:
    """See whether the judge gives what the reward needs.

    Raises:
        UserError: it is a reward for speed, which the backend does not measure.
    """
    if config.method == "grpo" and config.grpo.reward in NEEDS_SPEED and backend != "cuda":
        raise UserError(
            f"train.grpo.reward: {config.grpo.reward} needs measured speed, which backend {backend} does not "
            "give; take correctness, or a machine with a GPU"
        )


def _with_section(config: TrainConfig, given: dict[str, Any]) -> TrainConfig:
    if config.method != "grpo":
        return config.model_copy(update={config.method: given})
    # This is one process; answers are divided among all of them, so it takes the batch of all.
    batch = given.get("per_device_train_batch_size")
    if isinstance(batch, int):
        given = {**given, "per_device_train_batch_size": batch * processes(config)}
    return config.model_copy(update={"grpo": config.grpo.model_copy(update={"trl": given})})
