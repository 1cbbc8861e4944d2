"""Every shipped recipe's train section is one that TRL takes: a renamed key shows here, not after hours of generating."""

from pathlib import Path

import pytest

from pipeline.recipe import load_recipe
from pipeline.training.dpo import dpo_config
from pipeline.training.grpo import grpo_config
from pipeline.training.sft import sft_config

TRAINED = [path for path in sorted(Path("recipes").glob("*.yaml")) if load_recipe(path).train]


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: path.stem)
def test_trl_takes_the_train_section(path: Path, tmp_path: Path):
    train = load_recipe(path).train
    assert train is not None
    # What is for a GPU only is refused on a machine without one.
    trl = {key: value for key, value in train.grpo.trl.items() if not key.startswith(("use_vllm", "vllm"))}
    train = train.model_copy(update={"grpo": train.grpo.model_copy(update={"trl": trl})})
    arguments = {"sft": sft_config, "dpo": dpo_config, "grpo": grpo_config}[train.method](train, tmp_path, 0)
    assert arguments.learning_rate < 1e-2
    assert train.accelerate is None or train.accelerate.is_file()
