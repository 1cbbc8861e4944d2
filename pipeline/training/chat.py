"""The chat format: the only place that turns records into text for a model.

Training and evaluation call the same functions, so a student is asked in exactly the tokens that it was trained on.
An answer is one leading think block, then the answer proper; ``pipeline.agent.reply.parse`` reads it back.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.agent.reply import CLOSE, OPEN, split_reasoning
from pipeline.errors import UserError
from pipeline.records import Message, Sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# For models trained from scratch: two tokens around a message, one for the model's turn. A system message is read as
# one more message of the user.
SCRATCH_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|assistant|>' if message.role == 'assistant' else '<|user|>' }}{{ message.content }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def prompt_text(tokenizer: "PreTrainedTokenizerBase", messages: Sequence[Message]) -> str:
    """Return the text after which the model writes its answer; some models' templates open the think block in it.

    Raises:
        UserError: the template closes the think block as well: it leaves no room for reasoning.
    """
    turns = [{"role": message.role, "content": message.content} for message in messages]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert isinstance(text, str)  # noqa: S101  (one conversation in, one text out)
    if text.rstrip().endswith(CLOSE):
        raise UserError(
            f"tokenizer {tokenizer.name_or_path}: its chat template ends the think block before the answer; take a "
            "template that leaves room for reasoning"
        )
    return text


def opened(prompt: str) -> str:
    """Return the beginning of the answer that the prompt contains already: an open think tag, or nothing."""
    head = prompt.rstrip()
    return prompt[len(head) - len(OPEN) :] if head.endswith(OPEN) else ""


def completion_text(message: Message) -> str:
    """Return an answer as a model should write it: one leading think block (empty without reasoning), the answer.

    Think tags inside the reasoning are taken out: the block would end early.
    """
    inside, answer = split_reasoning(message.content)
    reasoning = (message.reasoning or inside or "").replace(OPEN, "").replace(CLOSE, "").strip()
    return f"{OPEN}\n{reasoning}\n{CLOSE}\n\n{(answer or '').strip()}"


def conversation(sample: Sample) -> dict[str, list[dict[str, str]]]:
    """Return a sample in the conversational prompt-completion form that TRL and other trainers read."""
    return {
        "prompt": [{"role": m.role, "content": m.content} for m in sample.prompt],
        "completion": [{"role": m.role, "content": completion_text(m)} for m in sample.completion],
    }


def encode(tokenizer: "PreTrainedTokenizerBase", sample: Sample) -> dict[str, Any]:
    """Return a sample as ``input_ids`` and ``completion_mask``, which is 1 where the model is trained."""
    (message,) = sample.completion
    prompt_ids, completion_ids = encode_answer(tokenizer, sample.prompt, message)
    return {
        "input_ids": [*prompt_ids, *completion_ids],
        "completion_mask": [0] * len(prompt_ids) + [1] * len(completion_ids),
    }


def encode_answer(
    tokenizer: "PreTrainedTokenizerBase", prompt: Sequence[Message], answer: Message
) -> tuple[list[int], list[int]]:
    """Return the token ids of a prompt and of an answer to it.

    They are tokenized apart, as they are when the model is asked; the answer ends with the tokenizer's
    end-of-sequence token.
    """
    text = prompt_text(tokenizer, prompt)
    completion = completion_text(answer)
    if opened(text):
        completion = completion.removeprefix(OPEN)
        completion = completion if opened(text) == OPEN else completion.lstrip("\n")
    prompt_ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    completion_ids = [*tokenizer(completion, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return prompt_ids, completion_ids
