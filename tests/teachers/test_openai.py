"""The teacher against a real server process over loopback: every fault that a server can show."""

import asyncio
import json
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


def ask(config: Config, times: int = 1) -> list[Reply]:
    async def main() -> list[Reply]:
        teacher = OpenaiTeacher(config)
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


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content", "content"])
def test_reasoning_in_each_of_its_places(server, field):
    server.plan({"content": f"<think>hmm</think>{CODE}"} if field == "content" else {field: "hmm"})
    parsed = parse(ask(config_for(server))[0])
    assert parsed == ("hmm", "class ModelNew:\n    pass\n", "complete")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 408},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"cut": True},
        {"garbage": "application/json"},
        {"garbage": "text/html"},
        {"json": {"choices": []}},
        {"json": {"choices": [{"message": {"role": "assistant", "content": [1]}}]}},
        {"json": []},
    ],
    ids=json.dumps,
)
def test_a_passing_fault_is_asked_again(server, fault):
    server.plan(fault)
    assert ask(config_for(server))[0].content == CODE
    assert len(server.log()) == 2


def test_a_hanging_answer_is_given_up_and_asked_again(server):
    server.plan({"hang": True})
    assert ask(config_for(server, timeout_s=0.5))[0].content == CODE
    assert len(server.log()) == 2


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
    with pytest.raises(UserError, match="is no chat server"):
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
