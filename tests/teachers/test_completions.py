"""Whatever a server sends: the parts of an answer, or one kind of error."""

import contextlib
import json

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.agent.reply import parse
from pipeline.teachers import Reply
from pipeline.teachers.completions import BrokenStreamError, Stream, read
from pipeline.teachers.logprobs import kept

NAMES = st.sampled_from(
    ["choices", "message", "delta", "content", "reasoning", "reasoning_content", "reasoning_details", "type", "text",
     "thinking", "usage", "prompt_tokens", "completion_tokens", "finish_reason", "index", "error", "logprob"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["stop", "thinking"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)
MESSAGES = st.fixed_dictionaries({}, optional={"content": JSON, "reasoning": JSON, "reasoning_details": JSON})
LOGPROBS = JSON | st.fixed_dictionaries({}, optional={"content": JSON, "sum": JSON, "count": JSON})
USAGE = JSON | st.fixed_dictionaries({}, optional={"prompt_tokens": LEAVES, "completion_tokens": LEAVES})
COMPLETIONS = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"message": MESSAGES, "finish_reason": JSON}, optional={"logprobs": LOGPROBS}),
            max_size=2,
        )
    },
    optional={"usage": USAGE, "error": JSON},
)


@settings(deadline=None)
@given(JSON | COMPLETIONS)
@example({"choices": [{"message": {}}], "usage": {"prompt_tokens": False, "completion_tokens": 7}})
def test_any_json_is_an_answer_or_a_value_error(body):
    try:
        parts = read(body)
    except ValueError:
        return
    assert isinstance(parts.content, str)
    assert parts.reasoning is None or (isinstance(parts.reasoning, str) and parts.reasoning)
    pa.array([parts.prompt_tokens, parts.completion_tokens], pa.int64())
    pa.array([parts.finish_reason], pa.string())
    pa.array([parts.log_probability], pa.float64())
    pa.array([parts.scored_tokens], pa.int64())
    parsed = parse(Reply(*parts[:5]))
    assert (parsed.code is not None) == (parsed.status == "complete")


EVENTS = st.builds("data: {}".format, (JSON | COMPLETIONS).map(json.dumps)) | st.sampled_from(
    ["", ": keep-alive", "data: [DONE]", "data: {", "event: error", "data:"]
)


@settings(deadline=None)
@given(st.lists(EVENTS | st.text(), max_size=8))
def test_any_lines_are_an_answer_or_a_value_error(lines):
    stream = Stream()
    with contextlib.suppress(ValueError):
        for line in lines:
            stream.add(line)
        read(stream.body())


PIECES = st.lists(st.text(min_size=1), max_size=5)


@settings(deadline=None)
@given(PIECES, PIECES, st.sampled_from(["reasoning", "reasoning_content"]))
def test_a_stream_adds_up_to_what_was_cut_into_pieces(thoughts, words, name):
    stream = Stream()
    deltas = [{name: piece} for piece in thoughts] + [{"content": piece} for piece in words]
    for delta in deltas:
        stream.add(
            "data: "
            + json.dumps({"choices": [{"index": 0, "delta": delta}, {"index": 1, "delta": {"content": "no"}}]})
        )
    with pytest.raises(BrokenStreamError, match=f"after {len(deltas)} chunks"):
        stream.body()
    stream.add('data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}')
    stream.add('data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}')
    assert stream.bill == (3, 4)
    assert read(stream.body()) == ("".join(words), "".join(thoughts) or None, "stop", 3, 4, None, None)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"content": [{"logprob": -1.5}, {"logprob": 0}]}, (-1.5, 2)),
        ({"content": [{"logprob": -1.5}, {"logprob": None}]}, (None, None)),
        ({"content": [{"logprob": float("nan")}]}, (None, None)),
        ({"content": [{"logprob": 0.1}]}, (None, None)),
        ({"content": [{"logprob": -(10**400)}]}, (None, None)),
        ({"content": []}, (None, None)),
        ({"content": None}, (None, None)),
        ({"tokens": ["a"], "token_logprobs": [-1.0]}, (None, None)),
        (None, (None, None)),
    ],
    ids=str,
)
def test_a_probability_is_whole_or_not_known(sent, told):
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop", "logprobs": sent}]}
    assert read(body)[-2:] == told
    assert read(json.loads(json.dumps(kept(body))))[-2:] == told
