"""What the trainer learns from, in each model family's chat format: the whole completion and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import torch
import trl
from datasets import Dataset
from transformers import set_seed

from pipeline.errors import UserError
from pipeline.training.chat import completion_text, encode, opened, prompt_text
from pipeline.training.config import ScratchModel
from pipeline.training.losses import dco_loss
from pipeline.training.running import texts
from pipeline.training.scratch import new_model
from pipeline.training.sft import _trainer, sft_config
from pipeline.training.tokenizer import train_tokenizer
from tests.training.examples import TINY, config, samples, silent

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
FAMILIES = ("qwen2_5", "qwen3", "deepseek_r1_distill", "llama3", "gemma", "phi3")


def tokenizer_of(family: str | None) -> Any:
    """A small tokenizer with the family's own template; None: that of models from scratch."""
    tokenizer = train_tokenizer(texts(samples()), 700)
    if family is not None:
        tokenizer.chat_template = (TEMPLATES / f"{family}.jinja").read_text()
        tokenizer.bos_token = "<|user|>"  # some templates begin with one
    return tokenizer


def batches(tokenizer: Any, folder: Path, loss: dict[str, Any] | None = None, **sft: Any) -> tuple[Any, list[Any]]:
    set_seed(0)
    section = config(sft={"per_device_train_batch_size": 8, **sft}, **(loss or {}))
    encoded = [encode(tokenizer, sample) for sample in samples()]
    model = new_model(ScratchModel.model_validate(TINY), tokenizer, 400)
    trainer = _trainer(model, tokenizer, sft_config(section, folder, 0), encoded, section, silent)
    assert isinstance(trainer.train_dataset, Dataset)
    return trainer, list(trainer.get_train_dataloader())


@pytest.mark.parametrize("family", [None, *FAMILIES])
def test_labels_are_the_completion_with_its_think_block_and_nothing_is_cut(tmp_path: Path, family: str | None):
    tokenizer = tokenizer_of(family)
    _, (batch,) = batches(tokenizer, tmp_path)
    found = set()
    for ids, labels, there in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
        trained = labels != -100
        assert torch.equal(labels[trained], ids[trained])
        found.add((tokenizer.decode(ids[(there == 1) & ~trained]), tokenizer.decode(labels[trained])))
    wanted = set()
    for sample in samples():
        prompt, answer = prompt_text(tokenizer, sample.prompt), completion_text(sample.completion[0])
        assert answer.startswith("<think>\nIt is ")
        begun = opened(prompt)  # DeepSeek's template has written this much of it
        wanted.add((prompt, answer.removeprefix(begun) + tokenizer.eos_token))
    assert found == wanted


def test_packed_samples_are_whole_and_do_not_see_each_other(tmp_path: Path):
    tokenizer = tokenizer_of(None)
    apart, (plain,) = batches(tokenizer, tmp_path)
    together, packed = batches(tokenizer, tmp_path, packing=True)
    assert sum(int((batch["labels"] != -100).sum()) for batch in packed) == int((plain["labels"] != -100).sum())
    with torch.no_grad():
        for weight in apart.model.parameters():  # larger than at the beginning, so that attention matters
            weight.mul_(8)
    together.model.load_state_dict(apart.model.state_dict())
    (one,) = packed
    with torch.no_grad():
        losses = [float(t.compute_loss(t.model, dict(b))) for t, b in ((apart, plain), (together, one))]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_coverage_is_of_whole_completions_and_of_nothing_else(tmp_path: Path):
    trainer, (batch,) = batches(tokenizer_of(None), tmp_path, {"loss": "dco", "samples_at_test": 4})
    with torch.no_grad():
        for weight in trainer.model.parameters():
            weight.mul_(8)
        calls: list[object] = []
        handle = trainer.model.register_forward_hook(lambda *_: calls.append(None))
        found = float(trainer.compute_loss(trainer.model, dict(batch)))
        handle.remove()
        logits = trainer.model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    logs = logits[:, :-1].log_softmax(-1).gather(2, batch["input_ids"][:, 1:, None])[..., 0]
    sequences = (logs * (batch["labels"][:, 1:] != -100)).sum(1)  # ln p of each completion
    assert found == pytest.approx(float(dco_loss(sequences, 4).mean()), rel=1e-4)
    assert len(calls) == 1  # TRL's metrics come of the same outputs


def test_the_named_losses_are_trls(tmp_path: Path):
    assert [sft_config(config(loss=name), tmp_path, 0).loss_type for name in ("nll", "dft")] == ["nll", "dft"]


def test_a_packing_that_cuts_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"packing_strategy: wrapped cuts samples"):
        sft_config(config(sft={"packing": True, "packing_strategy": "wrapped"}), tmp_path, 0)
