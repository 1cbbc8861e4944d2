"""The openai teacher and the whole stage against a real server: ``transformers serve`` with a tiny model made here."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from pipeline.errors import UserError
from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.progress import StageProgress
from pipeline.records import Candidate
from pipeline.stages import StageContext, generate, tasks
from pipeline.store import StageStore, read_rows
from pipeline.tables import from_row, to_row
from tests.training.examples import OPERATORS, task, tiny_model

START_SECONDS = 120  # on a busy machine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_model(tmp_path_factory.mktemp("model"))
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "do_sample": True}))
    return folder


@pytest.fixture(scope="module")
def url(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    log = tmp_path_factory.mktemp("log") / "serve.txt"
    with log.open("w") as file:
        child = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        end = time.monotonic() + START_SECONDS
        while not healthy(f"http://127.0.0.1:{port}/health"):
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        child.terminate()
        child.wait()


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status == 200
    except urllib.error.URLError:
        return False


def run(out: Path, teacher: dict[str, Any]) -> list[Candidate]:
    """Run the stage on three tasks; return its candidates."""
    with StageStore(out / "tasks", tasks.SCHEMA, {}) as store:
        for operator in OPERATORS[:3]:
            store.append(operator, to_row(task(operator)))
        store.seal()
    config = generate.GenerateConfig.model_validate(
        {"teacher": {"kind": "openai", "max_tokens": 20, **teacher}, "concurrency": 1}
    )
    recipe: Any = SimpleNamespace(seed=3, executor=LocalConfig(), generate=config, judge=JudgeConfig())
    progress = StageProgress("generate", Console(file=StringIO()))
    with StageStore(out / "generate", generate.SCHEMA, {}) as store:
        store.seal(generate.run(StageContext(recipe, out, store, progress)))
    return [from_row(Candidate, row) for row in read_rows(out / "generate")]


def test_a_real_server_answers_whole_and_streamed_alike(url: str, model: Path, tmp_path: Path):
    teacher = {"base_url": url, "model": str(model), "temperature": 1.0}
    whole = run(tmp_path / "whole", teacher)
    streamed = run(tmp_path / "streamed", {**teacher, "stream": True})
    assert [c.completion_tokens for c in whole] == [20] * 3
    for one, other in zip(whole, streamed, strict=True):
        assert (one.request_id, one.status, one.prompt_tokens) == (
            other.request_id,
            other.status,
            other.prompt_tokens,
        )
        said, streamed_text = (c.messages[-1].content.replace("\ufffd", "") for c in (one, other))
        assert said == streamed_text  # a stream of this server leaves out a last half character
        assert said


def test_a_real_server_without_the_model_says_so_in_one_line(url: str, tmp_path: Path):
    with pytest.raises(UserError, match=r"teacher refuses every request.*no/such-model") as caught:
        run(tmp_path, {"base_url": url, "model": "no/such-model"})
    assert "\n" not in str(caught.value)
