"""What ends a training on the way: each fault in one line that says which knob to turn."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from pipeline.errors import UserError
from pipeline.recipe import Recipe
from pipeline.records import Sample
from pipeline.tables import schema_of, to_row
from pipeline.training.sft import train
from pipeline.training.teaching import teach
from tests.synthetic_run import write_stage
from tests.training.examples import config, samples, silent


def too_much_for_a_gpu(*_: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has ...")


def too_much_for_this_machine(*_: Any) -> None:
    torch.empty(2**60, dtype=torch.uint8)


@pytest.mark.parametrize("allocate", [too_much_for_a_gpu, too_much_for_this_machine])
def test_memory_that_runs_out_names_the_knobs(tmp_path: Path, allocate: Any):
    write_stage(tmp_path, "curate", schema_of(Sample), {s.id: to_row(s) for s in samples()})
    sections = {"name": "r", "tasks": {"source": "composed"}, "train": config().model_dump()}
    with pytest.raises(UserError) as raised:
        teach(Recipe.model_validate(sections), tmp_path, tmp_path / "train", allocate)
    said = str(raised.value)
    assert "\n" not in said
    for knob in ("train.sft.per_device_train_batch_size", "gradient_checkpointing", "train.max_length", "train.lora"):
        assert knob in said
    assert "allocate" in said  # torch's own figures


@pytest.mark.parametrize("changes", [{}, {"max_grad_norm": 0}], ids=["", "no norm is taken"])
def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path, changes: dict[str, Any]):
    seen: list[int] = []
    hopeless = config(sft={"learning_rate": 1e30, "save_steps": 1, **changes})
    with pytest.raises(UserError, match=r"at step \d .*nan.*lower learning_rate"):
        train(samples(), hopeless, tmp_path, 0, lambda step, *_: seen.append(step))
    assert seen[-1] < 6
    assert not (tmp_path / "student").exists()


def test_the_weights_of_a_process_are_saved_when_they_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """DeepSpeed's engine, which alone has all weights, is there from ``train`` on; before it, saving would fail."""
    from transformers import Trainer

    began: list[bool] = []
    real = Trainer.save_model
    monkeypatch.setattr(
        Trainer, "save_model", lambda self, *a, **k: (began.append(self.is_in_train), real(self, *a, **k))[1]
    )
    train(samples(), config(sft={"max_steps": 1, "save_strategy": "no"}), tmp_path, 0, silent)
    assert began[0]
    assert (tmp_path / "untrained" / "model.safetensors").exists()


@pytest.mark.parametrize(("tracker", "said"), [("swanlab", "swanlab"), ("trackoi", "trackoi is not supported")])
def test_a_tracker_that_is_not_there_is_one_line_before_anything_is_loaded(tmp_path: Path, tracker: str, said: str):
    hub = {"kind": "hub", "name": "never/loaded"}
    with pytest.raises(UserError, match=rf"^train\.sft\.report_to: .*{said}"):
        train(samples(), config(model=hub, sft={"report_to": tracker}), tmp_path, 0, silent)


def test_what_tensorboard_writes_outlives_the_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    places: list[str] = []

    class Writer:
        """Stands in for a package that is not a dependency; notes where it is told to write."""

        def __init__(self, log_dir: str) -> None:
            places.append(log_dir)

        def __getattr__(self, _: str) -> Any:
            return silent

    monkeypatch.setitem(sys.modules, "tensorboardX", cast("Any", SimpleNamespace(SummaryWriter=Writer)))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", cast("Any", None))
    monkeypatch.setattr("transformers.integrations.integration_utils.is_tensorboard_available", lambda: True)
    train(samples(), config(sft={"report_to": "tensorboard", "max_steps": 2}), tmp_path, 0, silent)
    assert places == [str(tmp_path / "tensorboard")]
    assert not (tmp_path / "checkpoints").exists()
