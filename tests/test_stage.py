"""The command line in processes of its own: what a user gets wrong is one line and exit code 2."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.store import read_manifest, read_rows

RECIPE = """
name: mine
tasks: {source: composed, train: 6, heldout: 2}
judge: {backend: simt, cache: CACHE}
"""
TASK = """
import torch
import torch.nn as nn

N = 64


class Model(nn.Module):
    def forward(self, x):
        RAISES
        return torch.relu(x)


def get_inputs():
    return [torch.randn(N, N)]


def get_init_inputs():
    return []
"""


def stage(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.stage", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment())


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


@pytest.fixture
def recipe(tmp_path: Path, builds: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.replace("CACHE", str(builds)))
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "nowhere.yaml"), "nowhere.yaml: No such file"),
        (("run", "mine.yaml", "tasks.trian=5"), "tasks.trian: unknown key; did you mean train?"),
        (("run", "mine.yaml", "tasks.train=many"), "tasks.train: "),
        (("run", "mine.yaml", "tasks.train"), "an override is written key=value"),
        (("run", "broken.yaml"), "broken.yaml, line 3: not YAML"),
        (("train", "mine.yaml"), "section 'generate' is missing"),
        (("tasks", "mine.yaml", "judge.backend=cuda"), "judge.backend: cuda"),
        (("tasks", "mine.yaml", "--out", "mine.yaml/run"), "mine.yaml/run/tasks: can't be made"),
        (("tasks", "mine.yaml", "judge.cache=mine.yaml/builds"), "judge.cache: "),
        (("show", "nowhere"), "nowhere: no such directory"),
        (("judge", "--task", "mine.yaml"), "judge: give --task and --candidate"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(recipe: Path, arguments: tuple[str, ...], message: str):
    (recipe.parent / "broken.yaml").write_text("name: x\ntasks: {source: [composed\n")
    done = stage(*arguments, cwd=recipe.parent)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert "Traceback" not in done.stderr


def test_a_task_that_raises_is_named_and_the_others_are_used(recipe: Path):
    folder = recipe.parent / "tasks"
    folder.mkdir()
    (folder / "good.py").write_text(TASK.replace("RAISES", ""))
    (folder / "bad.py").write_text(TASK.replace("RAISES", "raise ValueError('too small')"))
    files = ("tasks={source: files, path: tasks}", "--out", "out")
    done = stage("tasks", recipe, *files, cwd=recipe.parent)
    assert done.returncode == 0, done.stderr
    assert "rejected bad: task_raises: ValueError: too small (line 10)" in done.stderr
    assert [row["name"] for row in read_rows(recipe.parent / "out" / "tasks")] == ["good"]
    (folder / "good.py").unlink()
    done = stage("tasks", recipe, *files, cwd=recipe.parent)
    assert "redone, because what is in tasks.path changed" in done.stderr
    assert done.returncode == 2
    assert "none of the 1 tasks of source 'files' can be used; the first: bad: task_raises" in done.stderr


def test_run_does_what_the_recipe_has_sections_for(recipe: Path):
    done = stage("run", recipe, cwd=recipe.parent)
    assert done.returncode == 0, done.stderr
    manifest = read_manifest(recipe.parent / "runs" / "mine" / "tasks")
    assert manifest is not None
    assert manifest["rows"] == 8
    assert not (recipe.parent / "runs" / "mine" / "generate").exists()


def test_ctrl_c_is_one_line_and_the_next_run_continues(recipe: Path):
    command = [sys.executable, "-m", "pipeline.stage", "tasks", str(recipe), "--out", "out", "tasks.train=400"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=recipe.parent, env=environment())
    shards = recipe.parent / "out" / "tasks"
    while process.poll() is None and not any(p.stat().st_size > 20_000 for p in shards.glob("shard-*.jsonl")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.splitlines()[-1] == "interrupted; run the same command again to continue"
    assert "Traceback" not in stderr
    done = subprocess.run(command, capture_output=True, text=True, cwd=recipe.parent, env=environment())
    assert done.returncode == 0, done.stderr
    assert "continues with" in done.stderr


def test_help_and_records_do_without_torch(tmp_path: Path):
    script = (
        "import sys\nimport pipeline.records, pipeline.recipe, pipeline.store, pipeline.stage\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(pipeline.stage.app, ['--help']).exit_code == 0\n"
        "print([name for name in ('torch', 'transformers', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment())
    assert done.stdout == "[]\n", done.stderr
