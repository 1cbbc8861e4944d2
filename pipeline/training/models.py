"""Loading models and tokenizers: from the Hub, from a folder, or an adapter and the model under it."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError, first_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_tokenizer(name: str, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """Return a tokenizer with a pad token (its end token if it has none of its own).

    Raises:
        UserError: there is none of that name, or it has no chat template or no end token.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise UserError(f"tokenizer {name}: {first_line(error)}") from error
    if tokenizer.chat_template is None or tokenizer.eos_token_id is None:
        raise UserError(f"tokenizer {name}: it has no chat template or no end token; take an instruct model")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(
    name: str, revision: str | None = None, *, half: bool = True, attention: str | None = None
) -> "PreTrainedModel":
    """Return a causal language model; an adapter's folder gives its base model with the adapter merged into it.

    ``half`` loads bfloat16 weights where there is a GPU; a CPU always gets float32. ``attention`` is transformers'
    attn_implementation, None for its own choice.

    Raises:
        UserError: there is no such model, its files are torn, or the kernels of that attention are not installed.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # stages have their own progress
    dtype = torch.bfloat16 if half and torch.cuda.is_available() else torch.float32
    try:
        if (Path(name) / "adapter_config.json").exists():
            from peft import PeftConfig, PeftModel

            adapter = PeftConfig.from_pretrained(name)
            under = str(adapter.base_model_name_or_path)
            base = AutoModelForCausalLM.from_pretrained(
                under, revision=adapter.revision, dtype=dtype, attn_implementation=attention
            )
            with quiet_renaming():
                return PeftModel.from_pretrained(base, name).merge_and_unload()
        return AutoModelForCausalLM.from_pretrained(
            name, revision=revision, dtype=dtype, attn_implementation=attention
        )
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise UserError(f"model {name}: {first_line(error)}") from error


@contextlib.contextmanager
def quiet_renaming() -> Iterator[None]:
    """Leave out a warning that concerns nobody here: peft 0.21 and TRL 1.16 use older names of transformers 5.23."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`\w*gradient_checkpointing\w*` is deprecated", FutureWarning)
        yield
