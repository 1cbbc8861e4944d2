"""Memory that runs out, in the words of the recipe's keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pipeline.errors import UserError, first_line

KNOBS = (
    "lower {section}.per_device_train_batch_size (and raise gradient_accumulation_steps), set "
    "{section}.gradient_checkpointing=true, lower train.max_length, add train.lora, or spread the model over several "
    "GPUs (train.accelerate)"
)
SECTIONS = {"sft": "train.sft", "dpo": "train.dpo", "grpo": "train.grpo.trl"}
GENERATING = "; lower {section}.max_completion_length, too, and with vLLM {section}.vllm_gpu_memory_utilization"


@contextmanager
def explained(method: Literal["sft", "dpo", "grpo"]) -> Iterator[None]:
    """Tell what to change where a model, its gradients or its answers don't fit, from loading it to its last step.

    Raises:
        UserError: in place of torch's error, whose first line it quotes.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        knobs = KNOBS + (GENERATING if method == "grpo" else "")
        told = knobs.format(section=SECTIONS[method])
        raise UserError(f"train: there is too little memory; {told} ({first_line(error)})") from error


def _is_out_of_memory(error: RuntimeError) -> bool:
    import torch

    # Without a GPU it is a plain RuntimeError.
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator: can't allocate memory" in str(error)
