"""Direct preference optimisation with TRL's DPOTrainer: right against wrong, fast against slow answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.training.arguments import decided_by_us, trl_arguments
from pipeline.training.chat import encode_answer
from pipeline.training.config import TrainConfig
from pipeline.training.running import CHECKPOINTS, Report, finished, lora, parameters, reporter, run_to_the_end, start
from pipeline.training_samples import PreferencePair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer


def train(
    pairs: Sequence[PreferencePair], config: TrainConfig, directory: Path, seed: int, report: Report
) -> dict[str, Any]:
    """Teach a model to prefer one answer to another; leave ``untrained/`` and ``student/`` in the directory.

    Args:
        pairs: in any order; the order of training follows from their ids and the seed.
        config: the recipe's section, of method ``dpo``.
        directory: the stage's folder.
        seed: of the data order and dropout.
        report: called after every optimizer step.

    Returns:
        ``steps``: one dictionary per logged step, and ``stats``.

    Raises:
        UserError: a key or value that DPOConfig does not take, no such model, or no pair that is short enough.
    """
    import transformers
    from datasets import Dataset

    from pipeline.training.models import quiet_renaming

    if (outcome := finished(directory)) is not None:
        return outcome
    arguments = dpo_config(config, directory / CHECKPOINTS, seed)
    transformers.set_seed(seed)
    model, tokenizer = start(config, ())
    encoded = [encode(tokenizer, pair) for pair in sorted(pairs, key=lambda pair: pair.id)]
    kept = [row for row in encoded if _length(row) <= config.max_length]
    if not kept:
        raise UserError(f"train.max_length: none of {len(encoded)} pairs has at most {config.max_length} tokens")
    with quiet_renaming():
        trainer = _trainer_class()(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(kept),
            processing_class=tokenizer,
            peft_config=lora(config),
            callbacks=[reporter(report)],
        )
    stats = {"pairs": len(kept), "dropped_over_length": len(encoded) - len(kept)}
    return run_to_the_end(trainer, directory, lambda: {**stats, **parameters(trainer)})


def dpo_config(config: TrainConfig, output: Path, seed: int) -> "DPOConfig":
    """Return TRL's configuration for the recipe's ``dpo`` section; raises as ``trl_arguments`` does."""
    from trl.trainer.dpo_config import DPOConfig

    ours = {**decided_by_us(output, seed), "max_length": config.max_length}
    return trl_arguments(DPOConfig, "train.dpo", config.dpo, ours, config)


def encode(tokenizer: "PreTrainedTokenizerBase", pair: PreferencePair) -> dict[str, list[int]]:
    """Return a pair as ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``, each answer with its end token."""
    prompt_ids, chosen_ids = encode_answer(tokenizer, pair.prompt, pair.chosen[-1])
    _, rejected_ids = encode_answer(tokenizer, pair.prompt, pair.rejected[-1])
    return {"prompt_ids": prompt_ids, "chosen_ids": chosen_ids, "rejected_ids": rejected_ids}


def _length(row: dict[str, list[int]]) -> int:
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def _trainer_class() -> "type[DPOTrainer]":
    """Return TRL's DPOTrainer for pairs that are tokenized already.

    It would apply the chat template itself; some templates drop the think block of an answer, and the model would
    learn from other tokens than those in which it is asked.
    """
    from trl.trainer.dpo_trainer import DPOTrainer

    class EncodedPairsTrainer(DPOTrainer):
        """Takes the data set as it is."""

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    return EncodedPairsTrainer
