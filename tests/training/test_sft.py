"""Training: what is dropped, what is refused, adapters, and a kill -9 at any moment."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from pipeline.errors import UserError
from pipeline.training.checkpoints import last_complete
from pipeline.training.config import TrainConfig
from pipeline.training.models import load_model, load_tokenizer
from pipeline.training.sft import train
from tests.training.examples import TINY, config, sample, samples, silent, tiny_model


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=torch.arange(50, 90)[None]).logits


def test_it_learns_and_leaves_the_model_before_and_after(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    outcome = train(samples(), config(sft={"max_steps": 12}), tmp_path, 0, lambda *a: seen.append(a[:2]))
    losses = [step["loss"] for step in outcome["steps"]]
    assert losses[-1] < losses[0] - 1
    assert seen == [(n, 12) for n in range(1, 13)]
    before, after = (load_model(str(tmp_path / name)) for name in ("untrained", "student"))
    assert not torch.equal(logits(before), logits(after))
    assert load_tokenizer(str(tmp_path / "student")).chat_template
    assert sorted(p.name for p in tmp_path.iterdir()) == ["student", "untrained"]


def test_what_is_too_long_is_left_out_whole_and_counted(tmp_path: Path):
    stats = train([*samples(), sample("sqrt", padding=900)], config(), tmp_path, 0, silent)["stats"]
    assert (stats["samples"], stats["dropped_over_length"]) == (8, 1)
    assert stats["max_length"] <= 400
    with pytest.raises(UserError, match=r"train.max_length: none of 8 samples has at most 10 tokens"):
        train(samples(), config(max_length=10), tmp_path / "other", 0, silent)


def test_the_loss_is_that_of_the_completion_alone(tmp_path: Path):
    short = train(samples(), config(sft={"max_steps": 1}), tmp_path, 0, silent)["stats"]
    tokenizer = load_tokenizer(str(tmp_path / "student"))
    end = [s.completion[0].content for s in samples()]
    assert short["trained_tokens"] < short["tokens"] / 2
    assert short["trained_tokens"] >= sum(len(tokenizer(text)["input_ids"]) for text in end)


@pytest.mark.parametrize(
    ("sft", "message"),
    [
        ({"learning_rat": 1}, r"train.sft.learning_rat: unknown key; did you mean learning_rate\?"),
        ({"max_length": 5}, r"train.sft.max_length: set train.max_length"),
        ({"lr_scheduler_type": "cosin"}, r"train.sft: .*cosin"),
        ({"save_steps": 3, "logging_steps": 2}, r"train.sft.save_steps: must be a multiple"),
    ],
)
def test_a_mistake_in_the_sft_section_is_one_line(tmp_path: Path, sft: dict[str, object], message: str):
    with pytest.raises(UserError, match=message):
        train(samples(), config(sft=sft), tmp_path, 0, silent)


def test_a_scratch_model_has_no_adapter_and_its_heads_fit():
    with pytest.raises(ValidationError, match="lora needs a pretrained model"):
        TrainConfig.model_validate({"model": TINY, "lora": {}})
    with pytest.raises(ValidationError, match="multiple of twice the 3 heads"):
        TrainConfig.model_validate({"model": TINY | {"heads": 3}})


def test_an_adapter_is_trained_saved_and_changes_the_model(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    hub = {"kind": "hub", "name": str(base)}
    stats = train(samples(), config(model=hub, lora={"r": 4, "dropout": 0.0}), tmp_path, 0, silent)["stats"]
    assert 0 < stats["trained_parameters"] < stats["parameters"] / 2
    assert (tmp_path / "student" / "adapter_model.safetensors").exists()
    assert not (tmp_path / "student" / "model.safetensors").exists()
    original, before, after = (
        logits(load_model(str(p))) for p in (base, tmp_path / "untrained", tmp_path / "student")
    )
    assert torch.equal(original, before)
    assert (after - before).abs().max() > 1e-3


def test_a_missing_model_is_the_users_fault(tmp_path: Path):
    with pytest.raises(UserError, match=r"nowhere/to/be/found"):
        train(samples(), config(model={"kind": "hub", "name": "nowhere/to/be/found"}), tmp_path, 0, silent)


def test_torn_files_in_a_models_folder_are_the_users_fault(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    weights = base / "model.safetensors"
    whole = weights.read_bytes()
    for torn in (whole[: len(whole) // 2], b"not weights"):
        weights.write_bytes(torn)
        with pytest.raises(UserError, match=r"^model .*base: "):
            load_model(str(base))
    tokenizer = base / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"^tokenizer .*base: "):
        load_tokenizer(str(base))


def test_an_attention_whose_kernels_are_missing_is_one_line(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    with pytest.raises(UserError, match=r"^model .*base: .*(F|f)lash") as raised:
        load_model(str(base), attention="flash_attention_2")
    assert "\n" not in str(raised.value)


SCRIPT = """
import sys, time
from pathlib import Path
from pipeline.training.sft import train
from tests.training.examples import config, samples

def report(step, total, note):
    print(step, flush=True)
    time.sleep(float(sys.argv[2]))

train(samples(), config(), Path(sys.argv[1]), 0, report)
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([sys.executable, "-c", SCRIPT, str(directory), "0"], check=True, capture_output=True)
    return directory


def test_killed_between_two_checkpoints_it_ends_with_the_same_log_and_weights(tmp_path: Path, undisturbed: Path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), "0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "4\n":  # the step's checkpoint comes after its report, so number 2 is the last
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "checkpoints" / "checkpoint-2").exists()
    assert not (tmp_path / "student").exists()
    again = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), "0"], capture_output=True, text=True, check=True
    )
    assert again.stdout.split() == ["3", "4", "5", "6"]
    assert_same(tmp_path, undisturbed)


def assert_same(one: Path, other: Path) -> None:
    logs = [json.loads((p / "student" / "training_log.json").read_text()) for p in (one, other)]
    for log in logs:
        for step in log["steps"]:
            step.pop("num_tokens")  # counts from the resume on; not part of the table
    assert logs[0] == logs[1]
    weights = [(p / "student" / "model.safetensors").read_bytes() for p in (one, other)]
    assert weights[0] == weights[1]


def broken_checkpoint(good: Path, target: Path, missing: str, *, torn: bool) -> None:
    shutil.copytree(good, target)
    file = target / missing
    if torn:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        file.unlink()


def test_half_written_checkpoints_are_deleted_and_the_last_whole_one_is_found(tmp_path: Path):
    class Killed(Exception):  # noqa: N818
        pass

    def report(step: int, *_: object) -> None:
        if step == 5:
            raise Killed

    with pytest.raises(Killed):
        train(samples(), config(), tmp_path, 0, report)
    folder = tmp_path / "checkpoints"
    whole = folder / "checkpoint-4"
    broken_checkpoint(whole, folder / "checkpoint-10", "trainer_state.json", torn=True)
    broken_checkpoint(whole, folder / "checkpoint-12", "trainer_state.json", torn=False)
    broken_checkpoint(whole, folder / "checkpoint-14", "model.safetensors", torn=False)
    (folder / "checkpoint-16").mkdir()
    assert last_complete(folder) == whole
    assert sorted(p.name for p in folder.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-4"]


def test_what_is_trained_already_is_not_trained_again(tmp_path: Path):
    first = train(samples(), config(), tmp_path, 0, silent)
    started = time.time_ns()
    assert train(samples(), config(), tmp_path, 0, silent) == first
    assert all(p.stat().st_mtime_ns < started for p in (tmp_path / "student").iterdir())
