"""Every shipped recipe's train section is one that TRL takes: a renamed key shows here, not after hours of generating."""

from pathlib import Path

import pytest

from pipeline.recipe import load_recipe
from pipeline.training.dpo import dpo_config
from pipeline.training.grpo import grpo_config
from pipeline.training.sft import sft_config

RECIPES = [path for path in sorted(Path("recipes").rglob("*.yaml")) if "accelerate" not in path.parts]
TRAINED = [path for path in RECIPES if load_recipe(path).train]


@pytest.mark.parametrize("path", TRAINED, ids=str)
def test_trl_takes_the_train_section(path: Path, tmp_path: Path):
    train = load_recipe(path).train
    assert train is not None
    # What is for a GPU only is refused on a machine without one.
    trl = {key: value for key, value in train.grpo.trl.items() if not key.startswith(("use_vllm", "vllm"))}
    train = train.model_copy(update={"grpo": train.grpo.model_copy(update={"trl": trl})})
    arguments = {"sft": sft_config, "dpo": dpo_config, "grpo": grpo_config}[train.method](train, tmp_path, 0)
    assert arguments.learning_rate < 1e-2
    assert train.accelerate is None or train.accelerate.is_file()


def test_concur_and_kevin_have_the_papers_numbers():
    concur = load_recipe(Path("recipes/concur.yaml"))
    assert concur.generate is not None
    assert concur.train is not None
    assert concur.train.model.kind == "hub"
    assert (concur.train.model.name, concur.generate.samples_per_task) == ("Qwen/QwQ-32B", 5)
    assert concur.train.lora is not None
    assert (concur.train.lora.r, concur.train.lora.alpha, concur.train.lora.dropout) == (32, 32, 0.05)
    assert (concur.train.sft["learning_rate"], concur.train.sft["lr_scheduler_type"]) == (1e-4, "cosine")
    assert concur.train.accelerate == Path("recipes/accelerate/zero3.yaml")  # 8 GPUs
    kevin = load_recipe(Path("recipes/grpo_qwen3_8b.yaml")).train
    assert kevin is not None
    assert (kevin.grpo.reward, kevin.grpo.turns, kevin.grpo.discount) == ("kevin", 4, 0.4)
    assert kevin.grpo.trl["num_generations"] == 16 * kevin.grpo.turns  # trajectories
