"""Supervised fine-tuning with TRL's SFTTrainer: completion-only loss, resumable at any moment."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.records import Sample
from pipeline.training.arguments import decided_by_us, trl_arguments
from pipeline.training.chat import encode
from pipeline.training.config import TrainConfig
from pipeline.training.running import CHECKPOINTS, Report, finished, lora, parameters, reporter, run_to_the_end, start

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer


def train(
    samples: Sequence[Sample], config: TrainConfig, directory: Path, seed: int, report: Report
) -> dict[str, Any]:
    """Train and leave ``untrained/`` and ``student/`` in the directory, each a model or adapter with its tokenizer.

    Killed at any moment and called again, it continues from the last checkpoint (``train.sft.save_steps``) with the
    same data order, and ends with the log and, on one machine, the weights of an uninterrupted run.

    Args:
        samples: in any order; the order of training follows from their ids and the seed.
        config: the recipe's section.
        directory: the stage's folder.
        seed: of the weights, the data order and dropout.
        report: called after every optimizer step with the steps done, the steps in all and a note.

    Returns:
        ``steps``: one dictionary per logged step, and ``stats``.

    Raises:
        UserError: a key or value that SFTConfig does not take, no such model, or no sample that is short enough.
    """
    import transformers

    if (outcome := finished(directory)) is not None:
        return outcome
    arguments = sft_config(config, directory / CHECKPOINTS, seed)
    transformers.set_seed(seed)
    ordered = sorted(samples, key=lambda sample: sample.id)
    model, tokenizer = start(config, ordered)
    encoded = [encode(tokenizer, sample) for sample in ordered]
    kept = [e for e in encoded if len(e["input_ids"]) <= config.max_length]
    if not kept:
        shortest = min((len(e["input_ids"]) for e in encoded), default=0)
        raise UserError(
            f"train.max_length: none of {len(encoded)} samples has at most {config.max_length} tokens "
            f"(the shortest: {shortest})"
        )
    trainer = _trainer(model, tokenizer, arguments, kept, config, report)
    return run_to_the_end(trainer, directory, lambda: _stats(trainer, encoded, kept))


def sft_config(config: TrainConfig, output: Path, seed: int) -> "SFTConfig":
    """Return TRL's configuration for the recipe's ``sft`` section.

    Raises:
        UserError: see ``trl_arguments``; packed samples, which ``loss: dco`` can't tell apart, or a way of packing
            that cuts them.
    """
    from trl.trainer.sft_config import SFTConfig

    if config.sft.get("packing") and config.sft.get("packing_strategy", "bfd") == "wrapped":
        raise UserError("train.sft.packing_strategy: wrapped cuts samples in the middle; take bfd")
    if config.loss == "dco" and (config.sft.get("packing") or config.sft.get("padding_free")):
        raise UserError("train.loss: dco is a loss over whole sequences; set sft.packing and padding_free to false")
    if config.loss == "dco" and config.sft.get("label_smoothing_factor"):
        raise UserError("train.sft.label_smoothing_factor: loss dco is of the labels as they are; leave it out")
    ours = {
        **decided_by_us(output, seed),
        "max_length": config.max_length,
        "loss_type": "nll" if config.loss == "dco" else config.loss,
        "dataset_kwargs": {},  # samples come tokenized already
        "completion_only_loss": True,
    }
    return trl_arguments(SFTConfig, "train.sft", config.sft, ours, config)


def _trainer(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    arguments: "SFTConfig",
    encoded: list[dict[str, Any]],
    config: TrainConfig,
    report: Report,
) -> "SFTTrainer":
    from datasets import Dataset
    from trl.trainer.sft_trainer import SFTTrainer

    from pipeline.training.losses import dco_trainer
    from pipeline.training.models import quiet_renaming

    kind = dco_trainer(config.samples_at_test) if config.samples_at_test else SFTTrainer
    with quiet_renaming():
        return kind(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(encoded),
            processing_class=tokenizer,
            peft_config=lora(config),
            callbacks=[reporter(report)],
        )


def _stats(trainer: "SFTTrainer", encoded: list[dict[str, Any]], kept: list[dict[str, Any]]) -> dict[str, Any]:
    lengths = sorted(len(e["input_ids"]) for e in kept)
    return {
        "samples": len(kept),
        "dropped_over_length": len(encoded) - len(kept),
        "tokens": sum(lengths),
        "trained_tokens": sum(sum(e["completion_mask"]) for e in kept),
        "median_length": lengths[len(lengths) // 2],
        "max_length": lengths[-1],
        "vocabulary": len(trainer.processing_class),  # type: ignore[arg-type]
        **parameters(trainer),
    }
