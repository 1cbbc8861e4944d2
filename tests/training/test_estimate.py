"""The estimate before a training: parameters are counted exactly, the rest by its formulas."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.recipe import load_recipe
from pipeline.training import sft
from pipeline.training.config import TrainConfig
from pipeline.training.estimate import answers_of_grpo, estimate, matmul_speed, passes
from pipeline.training.models import load_model
from tests.training.examples import config, samples, silent, tiny_model


def test_a_scratch_model_is_counted_exactly(tmp_path: Path):
    section = config(sft={"max_steps": 1, "gradient_checkpointing": False})
    sft.train(samples(), section, tmp_path, 0, silent)
    expected = estimate(section, tokens=1000, flops_per_second=1e9)
    assert (
        expected.parameters == expected.trained_parameters == load_model(str(tmp_path / "student")).num_parameters()
    )
    assert expected.memory == 16 * expected.parameters + 34 * 32 * 2 * 400  # one layer of width 32, 2 rows of 400
    assert expected.seconds == pytest.approx(6 * expected.parameters * 1000 / 0.4e9)


def test_an_adapter_is_counted_as_peft_makes_it(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    section = config(model={"kind": "hub", "name": str(base)}, lora={"r": 4}, sft={"max_steps": 1})
    stats = sft.train(samples(), section, tmp_path / "out", 0, silent)["stats"]
    expected = estimate(section, tokens=1000, flops_per_second=1e9)
    assert expected.trained_parameters == stats["trained_parameters"]
    assert expected.optimizer == 8 * expected.trained_parameters
    assert expected.seconds == pytest.approx((4 + 2) * expected.parameters * 1000 / 0.4e9)
    assert "M of them trained" in expected.lines()[0]


def test_a_reference_model_and_written_answers_are_counted(tmp_path: Path):
    hub = {"kind": "hub", "name": str(tiny_model(tmp_path / "base"))}
    own = {"gradient_checkpointing": False, "per_device_train_batch_size": 2}

    def of(method: str, **section: object) -> tuple[int, float, int]:
        values = {"method": method, "model": hub, "max_length": 400, **section}
        found = estimate(TrainConfig.model_validate(values), tokens=1000, flops_per_second=1e9)
        n = found.parameters
        return found.weights // n, found.seconds * 0.4e9 / (n * 1000), found.activations // (34 * 32 * 400)

    assert of("sft", sft=own) == (4, pytest.approx(6), 2)
    assert of("dpo", dpo=own) == (8, pytest.approx(6 + 2), 4)  # both answers
    assert of("grpo", grpo={"trl": own}) == (4, pytest.approx(6 + 2), 2)
    assert of("grpo", grpo={"trl": {**own, "beta": 0.1}}) == (8, pytest.approx(6 + 2 + 2), 2)


def test_passes_are_those_that_the_trainer_makes(tmp_path: Path):
    section = config(sft={"max_steps": 6, "gradient_accumulation_steps": 2})
    steps = sft.train(samples(), section, tmp_path, 0, silent)["steps"]
    assert passes(section, len(samples())) == pytest.approx(steps[-1]["epoch"]) == 3.0
    epochs = config(sft={"max_steps": -1, "num_train_epochs": 5})
    assert passes(epochs, 8) == 5
    assert passes(config(sft={"max_steps": -1}), 8) == 3  # TRL's default


def test_grpos_answers_by_hand():
    student = load_recipe(Path("recipes/grpo_student.yaml")).train
    kevin = load_recipe(Path("recipes/grpo_qwen3_8b.yaml")).train
    assert student is not None
    assert kevin is not None
    assert answers_of_grpo(student, 400) == 60 * 32
    assert answers_of_grpo(kevin, 400) == 80 * 64 * 8  # on 8 GPUs
    epochs = kevin.model_copy(update={"grpo": kevin.grpo.model_copy(update={"trl": {"num_generations": 4}})})
    assert answers_of_grpo(epochs, 10) == 10 * 4 * 3


def test_a_missing_model_is_one_line_and_this_machines_speed_is_a_number():
    with pytest.raises(UserError, match="model nowhere/at/all"):
        estimate(config(model={"kind": "hub", "name": "nowhere/at/all"}), 1, 1.0)
    assert matmul_speed(size=256) > 1e6
