"""Supervised fine-tuning with TRL's SFTTrainer: completion-only loss, resumable at any moment."""

import dataclasses
import difflib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.records import Sample
from pipeline.training.chat import completion_text, encode
from pipeline.training.checkpoints import last_complete
from pipeline.training.config import ScratchModel, TrainConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

UNTRAINED, STUDENT, CHECKPOINTS, LOG = "untrained", "student", "checkpoints", "training_log.json"
OURS = {  # keys of SFTConfig that the pipeline decides
    "output_dir": "models go to the stage's folder",
    "max_length": "set train.max_length, which leaves long samples out instead of cutting them",
    "resume_from_checkpoint": "an interrupted run continues by itself",
    "seed": "set the recipe's seed",
    "data_seed": "set the recipe's seed",
    "dataset_kwargs": "samples come tokenized already",
}
Report = Callable[[int, int, str], None]


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
    import datasets
    import transformers

    datasets.disable_progress_bars()  # the stage has its own progress
    transformers.utils.logging.disable_progress_bar()
    if (directory / STUDENT).exists():
        return json.loads((directory / STUDENT / LOG).read_text())
    arguments = sft_config(config, directory / CHECKPOINTS, seed)
    transformers.set_seed(seed)
    ordered = sorted(samples, key=lambda sample: sample.id)
    model, tokenizer = _start(config, ordered)
    encoded = [encode(tokenizer, sample) for sample in ordered]
    kept = [e for e in encoded if len(e["input_ids"]) <= config.max_length]
    if not kept:
        shortest = min((len(e["input_ids"]) for e in encoded), default=0)
        raise UserError(
            f"train.max_length: none of {len(encoded)} samples has at most {config.max_length} tokens "
            f"(the shortest: {shortest})"
        )
    trainer = _trainer(model, tokenizer, arguments, kept, config, report)
    if not (directory / UNTRAINED).exists():
        _save(trainer, directory / UNTRAINED)
    checkpoint = last_complete(directory / CHECKPOINTS)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    steps = [entry for entry in trainer.state.log_history if "loss" in entry]
    outcome = {"steps": steps, "stats": _stats(trainer, encoded, kept)}
    _save(trainer, directory / STUDENT, outcome)
    shutil.rmtree(directory / CHECKPOINTS, ignore_errors=True)
    return outcome


def sft_config(config: TrainConfig, output: Path, seed: int) -> "SFTConfig":
    """Return TRL's configuration for the recipe's ``sft`` section.

    Raises:
        UserError: an unknown key (the message names the nearest one), a key that is ours, or a bad value.
    """
    import torch
    from trl.trainer.sft_config import SFTConfig

    known = {field.name for field in dataclasses.fields(SFTConfig) if field.init}
    for key in config.sft:
        if key in OURS:
            raise UserError(f"train.sft.{key}: {OURS[key]}")
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known - OURS.keys()), n=1, cutoff=0.5)
            raise UserError(f"train.sft.{key}: unknown key" + (f"; did you mean {near[0]}?" if near else ""))
    gpu = torch.cuda.is_available()
    defaults = {
        "report_to": "none",
        "logging_steps": 10,
        "save_steps": 100,
        "save_total_limit": 2,
        "bf16": gpu,
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "disable_tqdm": True,
        "completion_only_loss": True,
    }
    # The newer of its two names comes with transformers 5.2x; a small model has memory enough without it.
    checkpointing = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    defaults[checkpointing] = config.sft.get("gradient_checkpointing", config.model.kind == "hub")
    ours = {"output_dir": str(output), "max_length": config.max_length, "seed": seed, "data_seed": seed}
    try:
        arguments = SFTConfig(**{**defaults, **config.sft, **ours})
    except (TypeError, ValueError) as error:
        raise UserError(f"train.sft: {str(error).splitlines()[0]}") from error
    if arguments.save_strategy == "steps" and arguments.save_steps % arguments.logging_steps:
        # A logged loss is the mean since the line before; after a resume it would be that since the checkpoint.
        raise UserError(
            "train.sft.save_steps: must be a multiple of logging_steps, or a resumed run logs other means"
        )
    return arguments


def _start(config: TrainConfig, samples: Sequence[Sample]) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Return the model before training and its tokenizer."""
    from pipeline.training.models import load_model, load_tokenizer
    from pipeline.training.scratch import new_model
    from pipeline.training.tokenizer import train_tokenizer

    if isinstance(config.model, ScratchModel):
        tokenizer = train_tokenizer(texts(samples), config.model.vocabulary)
        return new_model(config.model, tokenizer, config.max_length), tokenizer
    name, revision = config.model.name, config.model.revision
    if Path(name).exists():
        name = str(Path(name).resolve())  # an adapter remembers where its base is
    # Frozen weights may be in half precision; weights that are trained may not.
    return load_model(name, revision, half=config.lora is not None), load_tokenizer(name, revision)


def texts(samples: Sequence[Sample]) -> list[str]:
    """Return what a scratch tokenizer learns from: all that its model will read and write."""
    prompts = [message.content for sample in samples for message in sample.prompt]
    return prompts + [completion_text(message) for sample in samples for message in sample.completion]


def _trainer(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    arguments: "SFTConfig",
    encoded: list[dict[str, Any]],
    config: TrainConfig,
    report: Report,
) -> "SFTTrainer":
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl.trainer.sft_trainer import SFTTrainer

    from pipeline.training.models import quiet_peft

    with quiet_peft():
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(encoded),
            processing_class=tokenizer,
            peft_config=_lora(config),
            callbacks=[_reporter(report)],
        )
    trainer.remove_callback(PrinterCallback)  # stdout is for results
    return trainer


def _lora(config: TrainConfig) -> Any:
    if config.lora is None:
        return None
    from peft import LoraConfig

    modules = config.lora.target_modules
    return LoraConfig(
        r=config.lora.r,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
        revision=config.model.revision if config.model.kind == "hub" else None,
        task_type="CAUSAL_LM",
    )


def _reporter(report: Report) -> "TrainerCallback":
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):
        """Passes the trainer's progress on."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            losses = [entry["loss"] for entry in state.log_history[-1:] if "loss" in entry]
            report(state.global_step, state.max_steps, f"loss {losses[0]:.3f}" if losses else "")

    return Reporter()


def _stats(trainer: "SFTTrainer", encoded: list[dict[str, Any]], kept: list[dict[str, Any]]) -> dict[str, Any]:
    lengths = sorted(len(e["input_ids"]) for e in kept)
    parameters = list(trainer.model.parameters())  # type: ignore[union-attr]
    return {
        "samples": len(kept),
        "dropped_over_length": len(encoded) - len(kept),
        "tokens": sum(lengths),
        "trained_tokens": sum(sum(e["completion_mask"]) for e in kept),
        "median_length": lengths[len(lengths) // 2],
        "max_length": lengths[-1],
        "vocabulary": len(trainer.processing_class),  # type: ignore[arg-type]
        "parameters": sum(p.numel() for p in parameters),
        "trained_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "optimizer_steps": trainer.state.global_step,
    }


def _save(trainer: "SFTTrainer", target: Path, outcome: dict[str, Any] | None = None) -> None:
    """Save model and tokenizer; the folder appears when it is whole."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.save_model(str(partial))
    (partial / "training_args.bin").unlink(missing_ok=True)  # a pickle with this machine's paths
    if outcome is not None:
        (partial / LOG).write_text(json.dumps(outcome))
    os.replace(partial, target)  # noqa: PTH105
