"""The command evaluate beside a real chat server: killed with kill -9, and given what it can't evaluate."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.errors import UserError
from pipeline.recipe import load_recipe
from pipeline.store import read_rows

ROOT = Path(__file__).parents[2]
AT_ONCE = 3
SAMPLES, TASKS, BUDGET = 6, 4, 60  # an answer of the server has 7 tokens, so parallel sampling takes 9 a task
RECIPE = """
name: killed
seed: 3
tasks: {source: composed, train: 1, heldout: 4}
judge: {backend: none}
evaluate:
  trained: []
  models: {served: {kind: openai, base_url: URL, model: test-model, retries: 2}}
  samples_per_task: 6
  k: [1]
  batch_size: 3
  strategies: [parallel]
  strategy_tokens: 60
"""


@pytest.fixture
def url() -> Iterator[str]:
    server = [sys.executable, ROOT / "tests" / "servers" / "chat.py", "--delay", "0.05"]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.terminate()


def log(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/log") as answer:
        return json.load(answer)


def start(recipe: Path, out: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pipeline.stage", "evaluate", recipe, "--out", out]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)


def test_kill_9_loses_no_reply_and_asks_for_none_again(tmp_path: Path, url: str):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("URL", url))
    out = tmp_path / "out"
    for n_requests in (5, 17, 34):
        with start(recipe, out) as child:
            while len(log(url)) < n_requests and child.poll() is None:
                time.sleep(0.01)
            child.kill()
            assert child.wait() == -signal.SIGKILL
    with start(recipe, out) as child:
        said = child.communicate()[0].decode()
        assert child.returncode == 0, said
    asked = Counter((body["seed"], body["messages"][0]["content"]) for body in log(url))
    assert len(list(read_rows(out / "evaluate"))) == SAMPLES * TASKS
    tried = list(read_rows(out / "evaluate", "strategies"))
    assert Counter(row["task_id"] for row in tried) == dict.fromkeys({row["task_id"] for row in tried}, 9)
    assert len(asked) == 9 * TASKS  # the strategy's first answers are the samples: one reply serves both
    assert asked.total() - len(asked) <= 3 * AT_ONCE  # three kills, so many requests in flight
    journal = [json.loads(line) for line in (out / "evaluate" / "requests.jsonl").read_text().splitlines()]
    assert Counter(line["request"] for line in journal).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("evaluate.suite=kernelbench_levl1", "no suite 'kernelbench_levl1'; did you mean kernelbench_level1?"),
        ("evaluate.trained=[studnet]", "evaluate.trained.0: must be untrained or student (given: 'studnet'); did you mean student?"),
        ("evaluate.models.served.kind=opneai", "did you mean openai?"),
        ("evaluate.strategies=[sequentiel]", "did you mean sequential?"),
        ("evaluate.judge_error={false_accepts: {wrong: 5, of: 3}, false_rejects: {wrong: 0, of: 9}}", "wrong (5) is more than of (3)"),
    ],
)  # fmt: skip
def test_what_can_not_be_evaluated_is_one_line(tmp_path: Path, changes: str, said: str):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("URL", "http://127.0.0.1:9/v1"))
    with pytest.raises(UserError) as raised:
        cast("Any", load_recipe(recipe, [changes])).evaluate.resolved()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def posed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose tasks are there, so that what is timed is the evaluation."""
    out = tmp_path_factory.mktemp("posed")
    (out / "recipe.yaml").write_text(RECIPE.replace("URL", "http://127.0.0.1:9/v1"))
    command = [sys.executable, "-m", "pipeline.stage", "tasks", out / "recipe.yaml", "--out", out]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return out


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{kind: openai, base_url: URL, model: no-such-model}", "URL has no model 'no-such-model'"),
        ("{kind: kernels, path: HERE/missing}", "HERE/missing: neither a folder of kernels nor a file of JSON lines"),
        ("{kind: kernels, path: HERE/empty}", "HERE/empty: holds no level_*_problem_*_sample_*_kernel.py"),
    ],
    ids=["no such model", "no folder", "empty folder"],
)
def test_what_can_not_answer_ends_the_command_in_one_line(posed: Path, url: str, model: str, said: str):
    (posed / "empty").mkdir(exist_ok=True)
    model, said = (text.replace("URL", url).replace("HERE", str(posed)) for text in (model, said))
    changes = [f"evaluate.models={{other: {model}}}", "evaluate.strategies=[]", "evaluate.strategy_tokens=null"]
    command = [sys.executable, "-m", "pipeline.stage", "evaluate", posed / "recipe.yaml", "--out", posed, *changes]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert ended.stderr.splitlines()[-1] == errors[0]
    assert not ended.stdout
