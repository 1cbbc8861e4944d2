"""The judge over HTTP: a real server process, asked by the client that training uses."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest

from pipeline.doctor_recipe import examine_recipe
from pipeline.errors import InfrastructureError, UserError
from pipeline.executors.config import RemoteConfig
from pipeline.executors.remote_judge import RemoteJudge, _seconds
from pipeline.judge.config import JudgeConfig
from pipeline.judge.version import judge_version
from pipeline.recipe import Recipe
from pipeline.records import Check, Verdict
from pipeline.runner import run_stages
from pipeline.stage import app
from tests.judge.examples import HONEST, TASK, WRONG

TOKEN = "a token of the tests"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "pipeline.stage",
        "judge",
        "--serve",
        "127.0.0.1:0",
        "--token-env",
        "JUDGE_TOKEN",
    ]
    command += ["--queue", "2", "--backend", "simt"]
    environment = {**os.environ, "JUDGE_TOKEN": TOKEN}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process.stdout.readline().rsplit(" ", 1)[-1].strip()
        process.send_signal(signal.SIGINT)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_TOKEN", TOKEN)


def remote(url: str, token_env: str = "JUDGE_TOKEN", **judge: Any) -> RemoteJudge:
    return RemoteJudge(RemoteConfig(kind="remote", url=url, token_env=token_env), JudgeConfig.model_validate(judge))


def post(url: str, body: bytes, token: str = TOKEN) -> int:
    request = urllib.request.Request(
        f"{url}/judge", body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_verdicts_are_those_of_the_judge_however_many_ask(server: str, token: None):
    wrong, status, reason = WRONG["no_kernel"] if "no_kernel" in WRONG else next(iter(WRONG.values()))
    with remote(server) as judge:
        assert judge.backend == "simt"
        futures = [
            judge.submit(TASK, HONEST if n % 2 else wrong, str(n)) for n in range(8)
        ]  # more than its queue holds
        verdicts = [future.result() for future in futures]
    assert [v.accepted for v in verdicts] == [False, True] * 4
    assert {(v.status, (v.reason or "").split(":")[0]) for v in verdicts[::2]} == {(status, reason.split(":")[0])}
    assert [v.candidate_id for v in verdicts] == [str(n) for n in range(8)]
    assert all(v.judge_version == judge.version for v in verdicts)


def test_an_evaluation_can_be_judged_there(server: str, token: None, tmp_path: Path):
    """A suite with a broken task, finished kernels and what they give: all of it is asked of the server."""
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "good.py").write_text(TASK.reference)
    (folder / "bad.py").write_text(TASK.reference + "\n\ndef get_inputs():\n    raise RuntimeError('no')\n")
    codes = (HONEST, WRONG["fallback"][0])
    (tmp_path / "k.jsonl").write_text("\n".join(json.dumps({"task": "good", "code": code}) for code in codes))
    kernels = {"kind": "kernels", "path": str(tmp_path / "k.jsonl"), "policy": "strict"}
    section = {"suite": str(folder), "trained": [], "models": {"theirs": kernels}, "k": [1], "outputs": 2}

    def evaluate(**changes: Any) -> dict[str, Any]:
        executor = {"kind": "remote", "url": server}
        sections = {"name": "r", "tasks": {"source": "composed"}, "executor": executor}
        recipe = Recipe.model_validate({**sections, "evaluate": {**section, **changes}})
        run_stages(recipe, tmp_path / "out", "evaluate")
        return json.loads((tmp_path / "out" / "evaluate" / "results.json").read_text())

    found = evaluate(models={"theirs": kernels, "leniently": {**kernels, "policy": "report"}})
    assert found["left_out"] == {"bad": "task_raises"}
    for model, policy in (("theirs", 0.5), ("leniently", 1.0)):
        assert found["models"][model]["pass_at_k"]["1"]["mean"] == policy
        assert found["models"][model]["selection_by"] == "outputs"


def test_tasks_are_filtered_there(server: str, token: None, tmp_path: Path):
    """The recipe's filters go with the question, and so does its seed."""
    (tmp_path / "good.py").write_text(TASK.reference)
    (tmp_path / "padded.py").write_text(TASK.reference.replace("dim=-1)", "dim=-1) + 0"))
    recipe = Recipe.model_validate(
        {
            "name": "r",
            "tasks": {"source": "files", "path": str(tmp_path), "filters": {"output_range": None}},
            "executor": {"kind": "remote", "url": server},
        }
    )
    run_stages(recipe, tmp_path / "out", "tasks")
    rows = pq.read_table(tmp_path / "out" / "tasks" / "rejected.parquet").to_pylist()
    assert [(row["name"], row["reason"]) for row in rows] == [("padded", "redundant_operation")]
    assert pq.read_table(tmp_path / "out" / "tasks" / "data.parquet")["name"].to_pylist() == ["good"]


def test_policy_and_seeds_are_the_askers(server: str, token: None):
    fallback = WRONG["fallback"][0]
    with remote(server, seeds="mine") as judge, remote(server) as other:
        mine, theirs = (one.submit(TASK, HONEST, "x").result() for one in (judge, other))
        assert not judge.submit(TASK, fallback, "x").result().accepted
        assert judge.submit(TASK, fallback, "x", "report").result().accepted
    assert mine.seeds == "mine"
    assert theirs.seeds == other.seeds not in {"mine", "fresh"}


def test_a_judge_that_differs_from_the_recipes_is_refused(server: str, token: None, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match=r"judge\.backend: cuda, but the judge at .* is simt"):
        remote(server, backend="cuda")
    monkeypatch.setattr("pipeline.executors.remote_judge.judge_version", lambda: "another")
    with pytest.raises(UserError, match="install the same version of the project on both machines"):
        remote(server)


def test_the_doctor_says_whether_it_can_be_used(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"name: r\ntasks: {{source: composed}}\nexecutor: {{kind: remote, url: '{server}'}}\n")
    monkeypatch.setenv("JUDGE_TOKEN", TOKEN)
    found = examine_recipe(recipe)
    monkeypatch.setenv("JUDGE_TOKEN", "another")
    found += examine_recipe(recipe)
    assert [(f.state, f.found) for f in found] == [("ok", "simt, of this version"), ("missing", "no")]
    assert "wrong token" in found[1].cost_of_absence


def test_how_long_to_wait_is_read_whatever_a_proxy_writes():
    told = (None, "", "2", "86400", "Wed, 21 Oct 2026 07:28:00 GMT")
    assert [_seconds(value) for value in told] == [1, 1, 2, 60, 1]


def test_a_full_queue_refuses_and_says_when_to_come_back(server: str):
    body = {"task": TASK.model_dump(mode="json", exclude={"id"}), "code": HONEST, "candidate_id": "x"}

    def ask(_: int) -> tuple[int, str | None]:
        request = urllib.request.Request(
            f"{server}/judge",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, None
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, error.headers["Retry-After"]

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, range(8)))
    assert set(answers) == {(200, None), (429, "1")}
    assert answers.count((200, None)) >= 2


def test_who_may_ask_and_what(server: str, token: None, monkeypatch: pytest.MonkeyPatch):
    assert post(server, b"{}", token="another") == 401
    assert post(server, b'{"task": {}, "code": "", "candidate_id": ""}') == 422
    connection = http.client.HTTPConnection(server.removeprefix("http://"))
    connection.putrequest("POST", "/judge")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(9 * 2**20))  # refused before any of it is sent
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    monkeypatch.setenv("JUDGE_TOKEN", "another")
    with pytest.raises(UserError, match="wrong token"):
        remote(server)
    with pytest.raises(UserError, match="the environment variable NOT_THERE holds no token"):
        remote(server, "NOT_THERE")


def test_a_server_that_goes_away_is_no_verdict(server: str, token: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.executors.remote_judge.time.sleep", lambda _: None)
    with remote(server) as judge:
        judge._url = "http://127.0.0.1:9"
        with pytest.raises(InfrastructureError, match="gave up after 6 attempts"):
            judge.submit(TASK, HONEST, "x").result()
    with pytest.raises(UserError, match="no judge answers there"):
        remote("http://127.0.0.1:9")


class Garbling(BaseHTTPRequestHandler):
    """Answers with each of ``bodies`` in turn, as if it were 9 bytes longer, then with the last one whole."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self) -> None:
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        self.send_response(200)
        self.send_header("content-length", str(len(body) + 9 * (len(self.bodies) > 1)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        pass


@pytest.fixture
def garbling() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Garbling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_answer_that_is_cut_short_or_no_verdict_is_asked_for_again(
    garbling: str, token: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipeline.executors.remote_judge.time.sleep", lambda _: None)
    monkeypatch.setattr(
        Garbling, "bodies", [json.dumps({"backend": "simt", "judge_version": judge_version()}).encode()]
    )
    passed = (Check(name="build", passed=True),)
    verdict = Verdict(
        candidate_id="x", status="correct", reason=None, checks=passed, backend="simt", judge_version="1"
    )
    whole = json.dumps(verdict.model_dump(mode="json", exclude={"id", "accepted"})).encode()
    with remote(garbling) as judge:
        Garbling.bodies = [whole[:9], b"{}", whole]
        assert judge.submit(TASK, HONEST, "x").result() == verdict
        Garbling.bodies = [b"<html>"]
        with pytest.raises(InfrastructureError, match="gave up after 6 attempts"):
            judge.submit(TASK, HONEST, "x").result()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_another_server_is_no_judge(garbling: str, token: None, body: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Garbling, "bodies", [body])
    with pytest.raises(UserError, match="no judge answers there"):
        remote(garbling)


@pytest.mark.parametrize(
    ("address", "queue", "message"),
    [("127.0.0.1:99999", "2", "is not HOST:PORT"), ("127.0.0.1:0", "0", "'--queue'")],
)
def test_what_can_not_be_served_is_one_line(address, queue, message, token: None, capsys: pytest.CaptureFixture[str]):
    arguments = ["judge", "--serve", address, "--token-env", "JUDGE_TOKEN", "--queue", queue, "--backend", "simt"]
    with pytest.raises(SystemExit) as end:
        app(arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_a_server_without_a_token_does_not_start(tmp_path: Path):
    command = [sys.executable, "-m", "pipeline.stage", "judge", "--serve", "127.0.0.1:0"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--token-env must name an environment variable" in ended.stderr
