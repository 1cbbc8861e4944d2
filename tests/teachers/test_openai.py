"""The teacher against a real server process over loopback: every fault that a server can show."""

import asyncio
import contextlib
import json
import math
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.agent.reply import parse
from pipeline.errors import RefusedError, TeacherError, UserError
from pipeline.records import Message
from pipeline.teachers import Reply
from pipeline.teachers import openai as openai_teacher
from pipeline.teachers.failures import retry_after
from pipeline.teachers.journal import Journal
from pipeline.teachers.openai import Config, OpenaiTeacher

KEY = "sk-very-secret-0123456789"
ASK = (Message(role="user", content="write a kernel"),)
CODE = "```python\nclass ModelNew:\n    pass\n```\n"


class Server:
    def __init__(self, url: str) -> None:
        self.url = url

    def plan(self, *steps: dict) -> None:
        data = json.dumps(steps).encode()
        urllib.request.urlopen(self.url.replace("/v1", "/plan"), data).close()

    def log(self) -> list[dict]:
        with urllib.request.urlopen(self.url.replace("/v1", "/log")) as response:
            return json.load(response)


@pytest.fixture(scope="module")
def process() -> Iterator[Server]:
    script = Path(__file__).parents[1] / "servers" / "chat.py"
    with subprocess.Popen([sys.executable, script, "--key", KEY], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield Server(child.stdout.readline().strip())
        child.terminate()


@pytest.fixture
def server(process, monkeypatch) -> Server:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setattr(openai_teacher, "FIRST_PAUSE_SECONDS", 0.001)
    process.plan()
    return process


def ask(config: Config, times: int = 1, on_fault=lambda _: None) -> list[Reply]:
    async def main() -> list[Reply]:
        teacher = OpenaiTeacher(config, on_fault)
        try:
            return [await teacher.complete(ASK, seed=n) for n in range(times)]
        finally:
            await teacher.close()

    return asyncio.run(main())


def config_for(server: Server, **changes) -> Config:
    return Config(base_url=server.url, **{"model": "test-model", "api_key_env": "TEST_KEY", **changes})


def test_a_good_answer_and_what_was_asked(server):
    config = config_for(server, temperature=0.5, max_tokens=99, extra_body={"top_k": 4})
    (reply,) = ask(config)
    assert (reply.content, reply.reasoning, reply.finish_reason) == (CODE, None, "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 7)
    assert reply.sampling == {"temperature": 0.5, "max_tokens": 99, "seed": 0}
    (sent,) = server.log()
    assert sent == {
        "model": "test-model",
        "messages": [{"role": "user", "content": "write a kernel"}],
        "temperature": 0.5,
        "max_tokens": 99,
        "seed": 0,
        "top_k": 4,
    }


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "message",
    [
        {"reasoning": "hmm"},
        {"reasoning_content": "hmm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}, {"type": "reasoning.summary", "summary": "m"}]},
        {"content": f"<think>hmm</think>{CODE}"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}, {"type": "text", "text": CODE}]},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_reasoning_in_each_of_its_places(server, message, stream):
    server.plan(message)
    reply = ask(config_for(server, stream=stream))[0]
    assert parse(reply) == ("hmm", "class ModelNew:\n    pass\n", "complete")
    assert (reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("stop", 11, 7)


@pytest.mark.parametrize("stream", [False, True])
def test_the_probability_of_an_answer_is_asked_for_and_kept(server, stream, tmp_path):
    server.plan({"reasoning": "hmm"}, {"logprobs": False})
    scored, unscored = ask(config_for(server, stream=stream, logprobs=True), times=2)
    pieces = 1 + math.ceil(len(CODE) / 5)
    bits = sum(1 + number % 3 for number in range(pieces))
    assert scored.log_probability == pytest.approx(-math.log(2) * bits)
    assert scored.scored_tokens == pieces
    assert (unscored.log_probability, unscored.scored_tokens) == (None, None)
    assert [sent["logprobs"] for sent in server.log()] == [True, True]
    assert "top_logprobs" not in str(scored.raw)  # a hundred bytes a token
    with Journal(tmp_path) as journal:
        journal.answered("s", "r", "t", 9, scored)
    with Journal(tmp_path) as journal:
        found = journal.find("s", "r")
    assert found is not None
    assert (found.log_probability, found.scored_tokens) == (scored.log_probability, pieces)
    (silent,) = ask(config_for(server, stream=stream))
    assert silent.log_probability is None
    assert "logprobs" not in server.log()[-1]


def test_a_stream_asks_for_its_usage_and_tells_the_bytes_that_it_was(server):
    (reply,) = ask(config_for(server, stream=True))
    (sent,) = server.log()
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
    assert reply.raw is not None
    raw = json.loads(reply.raw)
    assert raw["choices"][0]["message"]["content"] == CODE
    assert raw["stream"]["chunks"] == 3 + math.ceil(len(CODE) / 5)
    assert re.fullmatch("[0-9a-f]{64}", raw["stream"]["sha256"])


def test_what_the_server_sent_is_kept_as_it_was(server):
    server.plan({"json": (body := {"choices": [{"message": {"content": "a"}}], "x_groq": {"id": 7}})})
    (reply,) = ask(config_for(server))
    assert reply.raw is not None
    assert json.loads(reply.raw) == body


@pytest.mark.parametrize("field", ["none", "reasoning", "reasoning_content"])
def test_earlier_reasoning_is_echoed_only_where_the_server_wants_it(server, field):
    teacher = OpenaiTeacher(config_for(server, echo_reasoning=field, reasoning_effort="high"))
    asked = (*ASK, Message(role="assistant", content="no", reasoning="hmm"), Message(role="user", content="mend it"))

    async def main() -> Reply:
        reply = await teacher.complete(asked, 0)
        await teacher.close()
        return reply

    assert asyncio.run(main()).sampling["reasoning_effort"] == "high"
    (sent,) = server.log()
    assert sent["reasoning_effort"] == "high"
    assert sent["messages"][1] == {
        "role": "assistant",
        "content": "no",
        **({field: "hmm"} if field != "none" else {}),
    }


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, "server_error"),
        ({"status": 408}, "server_error"),
        ({"status": 429, "headers": {"Retry-After": "0"}}, "rate_limited"),
        ({"cut": True}, "connection"),
        ({"hang": True}, "timeout"),
        ({"garbage": "application/json"}, "malformed"),
        ({"garbage": "text/html"}, "malformed"),
        ({"json": {"choices": []}}, "malformed"),
        ({"json": {"choices": [{"message": {"role": "assistant", "content": [1]}}]}}, "malformed"),
        ({"json": {"error": {"message": "overloaded"}}}, "malformed"),
        ({"json": []}, "malformed"),
        ({"content": " \n"}, "empty"),
    ],
    ids=json.dumps,
)
def test_a_passing_fault_is_asked_again_and_counted(server, fault, kind):
    server.plan(fault)
    faults = []
    config = config_for(
        server, price={"prompt": 1, "completion": 10}, **({"timeout_s": 0.5} if "hang" in fault else {})
    )
    (reply,) = ask(config, on_fault=faults.append)
    assert reply.content == CODE
    assert len(server.log()) == 2
    billed = (11, 7, pytest.approx(81e-6)) if kind == "empty" else (None, None, 0)
    assert faults == [(kind, "test-model", *billed)]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"cut_after": 3}, "broken_stream"),
        ({"end_after": 3}, "broken_stream"),
        ({"silent_after": 3}, "broken_stream"),
        ({"error_after": 3}, "malformed"),
        ({"status": 503}, "server_error"),
        ({"hang": True}, "timeout"),
        ({"garbage": "text/html"}, "broken_stream"),
        ({"content": ""}, "empty"),
    ],
    ids=json.dumps,
)
def test_a_broken_stream_is_asked_again_and_counted(server, fault, kind):
    server.plan(fault)
    faults = []
    config = config_for(server, stream=True, stall_s=0.3, timeout_s=0.6 if "hang" in fault else 60)
    assert ask(config, on_fault=faults.append)[0].content == CODE
    assert [f.kind for f in faults] == [kind]
    assert len(server.log()) == 2


def test_an_answer_that_stays_empty_is_an_answer_and_a_cut_one_too(server):
    server.plan({"content": ""}, {"content": ""}, {"content": "", "finish_reason": "length"})
    replies = ask(config_for(server), times=2)
    assert [parse(reply).status for reply in replies] == ["empty", "truncated"]
    assert len(server.log()) == 3


def test_retry_after_is_waited_for(server, monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(openai_teacher.asyncio, "sleep", sleep)
    server.plan({"status": 429, "headers": {"Retry-After": "7"}}, {"status": 503})
    assert ask(config_for(server))[0].content == CODE
    assert len(slept) == 2
    assert 7 <= slept[0] < 8
    assert slept[1] < 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("12", 12), ("999999", 300), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("nan", None), ("-3", None)],
)
def test_retry_after_in_all_its_forms(header, seconds):
    assert retry_after(header) == seconds


def test_a_lasting_fault_ends_after_the_retries(server):
    server.plan({}, *[{"status": 500}] * 20)
    with pytest.raises(TeacherError, match=r"status 500: .*planned fault"):
        ask(config_for(server, retries=6), times=2)
    assert len(server.log()) == 1 + 7


def test_a_server_that_never_answered_is_given_up_early(server):
    server.plan(*[{"status": 500}] * 20)
    with pytest.raises(TeacherError):
        ask(config_for(server, retries=6))
    assert len(server.log()) == 1 + openai_teacher.EARLY_RETRIES


def test_a_server_that_asks_for_patience_before_its_first_answer_gets_it(server):
    server.plan(*[{"status": 429}] * 6)
    assert ask(config_for(server, retries=6))[0].content == CODE
    assert len(server.log()) == 7 > 1 + openai_teacher.EARLY_RETRIES


def test_an_address_where_connections_hang_is_the_users(monkeypatch):
    monkeypatch.setattr(openai_teacher, "CONNECT_SECONDS", 0.2)
    faults = []
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # nobody accepts these, and there is no room for more
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        with pytest.raises(UserError, match=rf"can't connect to {url} \(no connection within 0\.2 s\)"):
            ask(Config(base_url=url, model="m", retries=6), on_fault=faults.append)
    assert [fault.kind for fault in faults] == ["no_connection"] * (1 + openai_teacher.EARLY_RETRIES)


def test_a_refused_request_is_not_repeated(server):
    server.plan({"status": 400})
    with pytest.raises(RefusedError, match="planned fault"):
        ask(config_for(server))
    assert len(server.log()) == 1


def test_forbidden_means_the_key_at_first_and_the_content_later(server):
    server.plan({"status": 403}, {}, {"status": 403})
    with pytest.raises(UserError, match="wrong key"):
        ask(config_for(server))
    with pytest.raises(RefusedError):
        ask(config_for(server), times=2)


def test_a_wrong_key_names_the_variable_and_hides_the_key(server, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-wrong-key")
    with pytest.raises(UserError, match=r"wrong key \(TEST_KEY\) for http://127") as caught:
        ask(config_for(server))
    assert "sk-wrong-key" not in str(caught.value)


def test_a_server_that_quotes_the_key_does_not_spread_it(server):
    server.plan(*[{"echo_key": 500}] * 20)
    with pytest.raises(TeacherError, match=r"you sent Bearer \*\*\*") as caught:
        ask(config_for(server))
    assert KEY not in str(caught.value)
    teacher = OpenaiTeacher(config_for(server))
    assert KEY not in repr(teacher) + repr(teacher.config) + str(vars(teacher))


def test_a_missing_variable_is_named(server, monkeypatch):
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(UserError, match="TEST_KEY is not set"):
        ask(config_for(server))


def test_an_unknown_model_and_a_wrong_path_are_the_users(server):
    with pytest.raises(UserError, match=r"has no model 'other'.*does not exist"):
        ask(config_for(server, model="other"))
    with pytest.raises(UserError, match="is not a chat server"):
        ask(Config(base_url=server.url + "/v2", model="test-model"))


def test_no_server_at_the_first_request_is_the_users(monkeypatch):
    async def never(_: float) -> None:
        pytest.fail("it waited before it told")

    with socket.socket() as taken:  # bound and not listening: nothing else can take the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        monkeypatch.setattr(openai_teacher.asyncio, "sleep", never)
        with pytest.raises(UserError, match=f"can't connect to {url}"):
            ask(Config(base_url=url, model="m"))


def test_a_server_that_goes_away_later_is_waited_for(server):
    script = Path(__file__).parents[1] / "servers" / "chat.py"

    async def main(child: subprocess.Popen[str], url: str) -> None:
        teacher = OpenaiTeacher(Config(base_url=url, model="test-model", retries=4))
        await teacher.complete(ASK, seed=0)
        child.terminate()
        child.wait()
        with pytest.raises(TeacherError, match="the connection failed"):
            await teacher.complete(ASK, seed=1)
        await teacher.close()

    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        asyncio.run(main(child, child.stdout.readline().strip()))


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "http://user:word@host/v1", ""])
def test_a_url_that_can_not_be_right_is_refused(url):
    with pytest.raises(ValueError, match="base_url"):
        Config(base_url=url, model="m")
