"""The estimate before a training: parameters are counted exactly, the rest by its formulas."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.training import sft
from pipeline.training.estimate import estimate, matmul_speed
from pipeline.training.models import load_model
from tests.training.examples import config, samples, silent, tiny_model


def test_a_scratch_model_is_counted_exactly(tmp_path: Path):
    section = config(sft={"num_train_epochs": 2, "max_steps": 1, "gradient_checkpointing": False})
    sft.train(samples(), section, tmp_path, 0, silent)
    expected = estimate(section, tokens=1000, flops_per_second=1e9)
    assert (
        expected.parameters == expected.trained_parameters == load_model(str(tmp_path / "student")).num_parameters()
    )
    assert expected.memory == 16 * expected.parameters + 34 * 32 * 2 * 400  # one layer of width 32, 2 rows of 400
    assert expected.seconds == pytest.approx(6 * expected.parameters * 1000 * 2 / 0.4e9)


def test_an_adapter_is_counted_as_peft_makes_it(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    section = config(model={"kind": "hub", "name": str(base)}, lora={"r": 4}, sft={"max_steps": 1})
    stats = sft.train(samples(), section, tmp_path / "out", 0, silent)["stats"]
    expected = estimate(section, tokens=1000, flops_per_second=1e9)
    assert expected.trained_parameters == stats["trained_parameters"]
    assert expected.optimizer == 8 * expected.trained_parameters
    assert expected.seconds == pytest.approx((4 + 2) * expected.parameters * 1000 * 3 / 0.4e9)
    assert "M of them trained" in expected.lines()[0]


def test_a_missing_model_is_one_line_and_this_machines_speed_is_a_number():
    with pytest.raises(UserError, match="model nowhere/at/all"):
        estimate(config(model={"kind": "hub", "name": "nowhere/at/all"}), 1, 1.0)
    assert matmul_speed(size=256) > 1e6
