"""What is trained on is what is asked, and what a student writes is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agent.prompting import translate
from pipeline.agent.reply import parse
from pipeline.errors import UserError
from pipeline.records import Message
from pipeline.teachers import Reply
from pipeline.training.chat import completion_text, conversation, encode, opened, prompt_text
from pipeline.training.running import texts
from pipeline.training.tokenizer import train_tokenizer
from tests.training.examples import sample, samples, task

TOKENIZER = train_tokenizer(texts(samples()), 700)
CODE = "class ModelNew:\n    pass\n"
# DeepSeek-R1, QwQ and others open the think block in the prompt.
OPENING = "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}<|assistant|>{{ HEAD }}"


def test_the_prompt_of_a_sample_is_the_prompt_of_its_task_token_by_token():
    encoded = encode(TOKENIZER, sample("relu"))
    prompt = [i for i, trained in zip(encoded["input_ids"], encoded["completion_mask"], strict=True) if not trained]
    assert prompt == TOKENIZER(prompt_text(TOKENIZER, translate(task("relu"))), add_special_tokens=False)["input_ids"]


def test_a_completion_that_was_trained_on_is_parsed_back_and_ends():
    encoded = encode(TOKENIZER, sample("relu"))
    written = encoded["input_ids"][encoded["completion_mask"].index(1) :]
    assert written.pop() == TOKENIZER.eos_token_id
    parsed = parse(Reply(str(TOKENIZER.decode(written)), None, "stop", None, None))
    assert parsed.reasoning == "It is relu."
    assert parsed.code == "class ModelNew:\n    kernel = 'reluf(x)'\n"


@given(st.one_of(st.none(), st.text()), st.booleans())
def test_there_is_exactly_one_think_block_whatever_the_reasoning(reasoning: str | None, inside: bool):
    answer = f"```python\n{CODE}```"
    tagged = (reasoning or "").replace("<think>", "").replace("</think>", "")
    message = Message(role="assistant", content=f"<think>\n{tagged}\n</think>\n\n{answer}" if inside else answer,
                      reasoning=None if inside else reasoning)  # fmt: skip
    text = completion_text(message)
    assert text.count("<think>") == text.count("</think>") == 1
    assert text.startswith("<think>\n")
    assert parse(Reply(text, None, "stop", None, None)).code == CODE


def test_tags_inside_the_reasoning_do_not_end_it():
    text = completion_text(Message(role="assistant", content="yes", reasoning="I write </think> and <think>"))
    assert text == "<think>\nI write  and\n</think>\n\nyes"


@pytest.mark.parametrize("head", ["<think>\n", "<think>"])
def test_a_template_that_opens_the_think_block_gets_no_second_one(head: str):
    tokenizer = train_tokenizer(texts(samples()), 700)
    tokenizer.chat_template = OPENING.replace("HEAD", repr(head))
    assert opened(prompt_text(tokenizer, translate(task("relu")))) == head
    own = TOKENIZER.decode(encode(TOKENIZER, sample("relu"))["input_ids"])
    assert tokenizer.decode(encode(tokenizer, sample("relu"))["input_ids"]) == own


def test_a_template_without_room_for_reasoning_is_one_line():
    tokenizer = train_tokenizer(texts(samples()), 700)
    tokenizer.chat_template = OPENING.replace("HEAD", repr("<think>\n\n</think>\n\n"))
    with pytest.raises(UserError, match="ends the think block before the answer"):
        prompt_text(tokenizer, translate(task("relu")))


def test_the_conversational_form_renders_to_the_same_text():
    messages = conversation(sample("relu"))
    rendered = TOKENIZER.apply_chat_template(messages["prompt"] + messages["completion"], tokenize=False)
    assert rendered == TOKENIZER.decode(encode(TOKENIZER, sample("relu"))["input_ids"])
