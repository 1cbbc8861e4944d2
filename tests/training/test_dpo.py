"""DPO: the preferred answer becomes likelier than the other, in the tokens in which the model is asked."""

from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.errors import UserError
from pipeline.records import Message, Sample
from pipeline.stages import curate, train
from pipeline.store import StageStore, read_rows
from pipeline.tables import to_row
from pipeline.training import dpo
from pipeline.training.chat import encode, encode_answer
from pipeline.training.config import TrainConfig
from pipeline.training.models import load_model, load_tokenizer
from pipeline.training_samples import PreferencePair
from tests.synthetic_run import run_stage
from tests.training.examples import sample, samples, silent, tiny_model


def pair(first: Sample, second: Sample) -> PreferencePair:
    return PreferencePair(
        kind="correctness", task_id=first.task_id, category="c",
        prompt=first.prompt, chosen=first.completion, rejected=second.completion,
        chosen_candidate_id="a", chosen_verdict_id="a", chosen_reasoning_tokens=3,
        rejected_candidate_id="b", rejected_verdict_id="b", rejected_reasoning_tokens=3,
        rejected_status="incorrect", rejected_reason="values",
    )  # fmt: skip


def preferring(base: Path, **changes: Any) -> TrainConfig:
    options = {"max_steps": 10, "learning_rate": 1e-2, "per_device_train_batch_size": 4, "logging_steps": 1}
    section = {"method": "dpo", "model": {"kind": "hub", "name": str(base)}, "max_length": 400}
    return TrainConfig.model_validate({**section, **changes, "dpo": {**options, "save_steps": 100}})


def log_probability(model: Any, tokenizer: Any, prompt: tuple[Message, ...], answer: Message) -> float:
    asked, said = encode_answer(tokenizer, prompt, answer)
    ids = torch.tensor([[*asked, *said]])
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0, len(asked) - 1 : -1].log_softmax(-1)
    return float(logits.gather(1, torch.tensor(said)[:, None]).sum())


def test_the_preferred_answer_becomes_likelier(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    good, bad = samples()[::2], samples()[1::2]
    pairs = [pair(one, other) for one, other in zip(good, bad, strict=True)]
    outcome = dpo.train(pairs, preferring(base), tmp_path / "out", 0, silent)
    assert outcome["steps"][-1]["rewards/accuracies"] == 1.0
    assert outcome["stats"]["pairs"] == 4
    tokenizer = load_tokenizer(str(base))
    margins = []
    for folder in (base, tmp_path / "out" / "student"):
        model = load_model(str(folder))
        chosen, rejected = (
            log_probability(model, tokenizer, pairs[0].prompt, part[0])
            for part in (pairs[0].chosen, pairs[0].rejected)
        )
        margins.append(chosen - rejected)
    assert margins[1] > margins[0] + 1


def test_the_stage_reads_what_curate_left_beside_its_samples(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    with StageStore(tmp_path / "curate", curate.SCHEMA, {}, curate.FURTHER) as store:
        store.append("pair", to_row(pair(*samples()[:2])), "preference")
        store.seal()
    run_stage(tmp_path, "train", train, train=preferring(base))
    rows = list(read_rows(tmp_path / "train"))
    assert len(rows) == 10
    assert rows[-1]["preference_margin"] > rows[0]["preference_margin"]


def test_pairs_are_in_the_tokens_of_sft_and_long_ones_are_left_out(tmp_path: Path):
    base = tiny_model(tmp_path / "base")
    tokenizer = load_tokenizer(str(base))
    encoded = dpo.encode(tokenizer, pair(samples()[0], samples()[1]))
    assert [*encoded["prompt_ids"], *encoded["chosen_ids"]] == encode(tokenizer, samples()[0])["input_ids"]
    long = pair(samples()[0], sample("sqrt", padding=900))
    outcome = dpo.train([pair(*samples()[:2]), long], preferring(base), tmp_path / "out", 0, silent)
    assert (outcome["stats"]["pairs"], outcome["stats"]["dropped_over_length"]) == (1, 1)
    with pytest.raises(UserError, match=r"train.max_length: none of 1 pairs has at most 20 tokens"):
        dpo.train([long], preferring(base, max_length=20), tmp_path / "other", 0, silent)
