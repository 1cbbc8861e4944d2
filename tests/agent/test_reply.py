import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.agent.reply import clean, parse, split_reasoning
from pipeline.teachers import Reply

MODULE = "import torch\n\nclass ModelNew(torch.nn.Module):\n    pass\n"
BLOCK = f"```python\n{MODULE}```"


def reply(content: str, reasoning: str | None = None, finish_reason: str = "stop") -> Reply:
    return Reply(content, reasoning, finish_reason, None, None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(f"<think>\nhm\n</think>\n\n{BLOCK}"), ("hm", MODULE, "complete")),
        (reply(f"hm\n</think>\n\n{BLOCK}"), ("hm", MODULE, "complete")),  # the prompt held the opening tag
        (reply(f"<think></think>{BLOCK}"), (None, MODULE, "complete")),
        (reply(BLOCK, reasoning="hm"), ("hm", MODULE, "complete")),
        (reply(f"<think>{BLOCK}</think> I can't."), (BLOCK, None, "no_code")),  # a draft is no answer
        (reply("```python\nclass ModelNew: old\n```\n" + BLOCK), (None, MODULE, "complete")),
        (reply(f"{BLOCK}\nRun it with\n```sh\npython m.py\n```"), (None, MODULE, "complete")),
        (reply(f"{BLOCK}\nAnd now", finish_reason="length"), (None, MODULE, "complete")),
        (reply(f"~~~~py\n{MODULE}# ```\n~~~\n~~~~~"), (None, f"{MODULE}# ```\n~~~\n", "complete")),
        (reply(BLOCK.replace("\n", "\r\n")), (None, MODULE.replace("\n", "\r\n"), "complete")),
        (reply(MODULE), (None, None, "no_code")),
        (reply("```python\nclass Model: pass\n```"), (None, None, "no_code")),
        (reply("", reasoning="hm"), ("hm", None, "no_code")),
        (reply(f"```python\n{MODULE}"), (None, None, "truncated")),
        (reply("<think>hm", finish_reason="length"), ("hm", None, "truncated")),
        (reply(f"<think>hm {BLOCK}"), (f"hm {BLOCK}", None, "truncated")),
        (reply("Let me", finish_reason="length"), (None, None, "truncated")),
        (reply(" \n"), (None, None, "empty")),
        (reply("", reasoning=" "), (None, None, "empty")),
    ],
)
def test_parts_of_an_answer(answer, expected):
    assert parse(answer) == expected


PIECES = st.sampled_from(
    ["<think>", "</think>", "```", "```python\n", "~~~", "\n", "class ModelNew", "\x00", "\ud800"]
)
TEXT = st.lists(PIECES | st.text(max_size=20), max_size=12).map("".join)


@given(TEXT, st.none() | TEXT, st.sampled_from(["stop", "length", None]))
@example("```\nclass ModelNew\ud800\x00\n```", None, "stop")
def test_any_text_gives_a_consistent_result(content, reasoning, finish_reason):
    parsed = parse(Reply(content, reasoning, finish_reason, None, None))
    assert (parsed.status == "complete") == (parsed.code is not None)
    for text in (parsed.code, parsed.reasoning):
        if text is not None:
            assert json.loads(json.dumps(text).encode()) == text
            text.encode()
            assert "\x00" not in text
    if parsed.code is not None:
        assert "ModelNew" in parsed.code
        assert parsed.code in clean(content)


PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00<>`~"), max_size=60)


@given(PLAIN, PLAIN, PLAIN)
def test_reasoning_and_code_come_back_as_they_went_in(reasoning, before, inside):
    code = f"class ModelNew:\n    # {inside}\n"
    parsed = parse(reply(f"<think>\n{reasoning}\n</think>\n\n{before}\n```python\n{code}```\n"))
    assert parsed == (reasoning.strip() or None, code, "complete")


def test_a_thousand_open_fences_do_not_cost_quadratic_time():
    lines = "".join("`" * (3 + n % 50) + "\n" for n in range(200_000))
    assert parse(reply(lines)).code is None


def test_the_answer_proper_is_none_if_the_reasoning_never_ends():
    assert split_reasoning("<think>a") == ("a", None)
    assert split_reasoning("<think>a</think>\nb") == ("a", "b")
    assert split_reasoning("b") == (None, "b")
