"""A Llama from scratch, small enough to learn on two cores in minutes."""

from typing import TYPE_CHECKING, cast

from pipeline.training.config import ScratchModel

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase


def new_model(config: ScratchModel, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> "LlamaForCausalLM":
    """Return a Llama with random weights, drawn from torch's global generator; embeddings are tied."""
    from transformers import LlamaForCausalLM

    llama = llama_config(config, len(tokenizer), max_length)
    llama.eos_token_id = cast("int", tokenizer.eos_token_id)
    llama.pad_token_id = cast("int", tokenizer.pad_token_id)
    return LlamaForCausalLM(llama)


def llama_config(config: ScratchModel, vocabulary: int, max_length: int) -> "LlamaConfig":
    """Return the shape of such a model."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=config.width,
        intermediate_size=config.feed_forward or -(-config.width * 8 // 3 // 32) * 32,  # Llama's 8/3, up to 32s
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        max_position_embeddings=2 * max_length,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
