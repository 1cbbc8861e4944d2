"""What all kinds of training share: the model they start from, progress, checkpoints, the folders they leave."""

import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.records import Sample
from pipeline.training.chat import completion_text
from pipeline.training.checkpoints import last_complete
from pipeline.training.config import ScratchModel, TrainConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainerCallback

UNTRAINED, STUDENT, CHECKPOINTS, LOG = "untrained", "student", "checkpoints", "training_log.json"
TENSORBOARD = "tensorboard"  # where it writes, unless TENSORBOARD_LOGGING_DIR says otherwise
Report = Callable[[int, int, str], None]


def finished(directory: Path) -> dict[str, Any] | None:
    """Return the outcome of a training that has ended already, None of one that has not."""
    path = directory / STUDENT / LOG
    return json.loads(path.read_text()) if path.exists() else None


def start(config: TrainConfig, samples: Sequence[Sample]) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Return the model before training and its tokenizer; a scratch model's is made from the samples.

    Raises:
        UserError: there is no such model.
    """
    import datasets
    import transformers

    from pipeline.training.models import load_model, load_tokenizer
    from pipeline.training.scratch import new_model
    from pipeline.training.tokenizer import train_tokenizer

    datasets.disable_progress_bars()  # the stage has its own progress
    transformers.utils.logging.disable_progress_bar()
    if isinstance(config.model, ScratchModel):
        tokenizer = train_tokenizer(texts(samples), config.model.vocabulary)
        return new_model(config.model, tokenizer, config.max_length), tokenizer
    name, revision = config.model.name, config.model.revision
    if Path(name).exists():
        name = str(Path(name).resolve())  # an adapter remembers where its base is
    # Frozen weights may be in half precision; weights that are trained may not.
    model = load_model(name, revision, half=config.lora is not None, attention=config.model.attention)
    return model, load_tokenizer(name, revision)


def texts(samples: Sequence[Sample]) -> list[str]:
    """Return what a scratch tokenizer learns from: all that its model will read and write."""
    prompts = [message.content for sample in samples for message in sample.prompt]
    return prompts + [completion_text(message) for sample in samples for message in sample.completion]


def lora(config: TrainConfig) -> Any:
    """Return peft's LoraConfig for the recipe's ``lora`` section, None without one."""
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


def run_to_the_end(trainer: "Trainer", directory: Path, stats: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Train, from the last checkpoint if there is one; leave ``untrained/`` and ``student/``; return the outcome.

    Returns:
        ``steps``: one dictionary per logged step, and ``stats``.

    Raises:
        UserError: the loss is no number any more; the message says what to change.
    """
    from transformers import PrinterCallback
    from transformers.integrations.integration_utils import TensorBoardCallback

    from pipeline.training.models import quiet_renaming

    trainer.remove_callback(PrinterCallback)  # stdout is for results
    trainer.add_callback(_keeps_untrained(trainer, directory / UNTRAINED))
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, TensorBoardCallback) and callback.logging_dir is None:
            callback.logging_dir = str(directory / TENSORBOARD)  # not among the checkpoints, which are deleted
    begun = (directory / UNTRAINED).exists()
    with trainer.accelerator.main_process_first():  # it deletes what a kill has left half-written
        checkpoint = last_complete(directory / CHECKPOINTS) if begun else None
    with quiet_renaming():
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    steps = [entry for entry in trainer.state.log_history if "loss" in entry]
    outcome = {"steps": steps, "stats": {**stats(), "optimizer_steps": trainer.state.global_step}}
    save(trainer, directory / STUDENT, outcome)
    if trainer.accelerator.is_main_process:
        shutil.rmtree(directory / CHECKPOINTS, ignore_errors=True)
    return outcome


def parameters(trainer: "Trainer") -> dict[str, int]:
    """Return how many parameters the model has, and how many of them are trained."""
    from transformers.trainer_pt_utils import get_model_param_count  # it knows weights that ZeRO-3 has spread

    model = trainer.model
    assert model is not None  # noqa: S101  (it has just been trained)
    return {
        "parameters": get_model_param_count(model),
        "trained_parameters": get_model_param_count(model, trainable_only=True),
    }


def reporter(report: Report) -> "TrainerCallback":
    """Return a callback that passes the trainer's progress on and stops at a loss that is no number.

    It raises UserError there: every later step would be lost, and the checkpoints before it are good.
    """
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):
        """See the function."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            losses = [entry["loss"] for entry in state.log_history[-1:] if "loss" in entry]
            report(state.global_step, state.max_steps, f"loss {losses[0]:.3f}" if losses else "")

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
            figures = {name: logs[name] for name in ("loss", "grad_norm") if name in (logs or {})}
            if not all(math.isfinite(value) for value in figures.values()):
                raise UserError(
                    f"train: at step {state.global_step} {figures} is not a number; lower learning_rate, raise "
                    "warmup_steps or lower max_grad_norm"
                )

    return Reporter()


def _keeps_untrained(trainer: "Trainer", target: Path) -> "TrainerCallback":
    """Return a callback that saves the model before its first step.

    Not sooner: DeepSpeed and FSDP spread the weights when training begins, and can't give them together before.
    """
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):
        """See the function."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if not target.exists():
                save(trainer, target)

    return Keeper()


def save(trainer: "Trainer", target: Path, outcome: dict[str, Any] | None = None) -> None:
    """Save model and tokenizer; the folder appears when it is whole. All processes call it, the first one writes."""
    partial = target.with_name(target.name + ".partial")
    processes = trainer.accelerator
    if processes.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    processes.wait_for_everyone()
    trainer.save_model(str(partial))  # where weights are spread over processes, each gives its own
    processes.wait_for_everyone()
    if processes.is_main_process:
        (partial / "training_args.bin").unlink(missing_ok=True)  # a pickle with this machine's paths
        if outcome is not None:
            (partial / LOG).write_text(json.dumps(outcome))
        os.replace(partial, target)  # noqa: PTH105
    processes.wait_for_everyone()
