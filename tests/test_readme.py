"""What the READMEs tell people to type exists: commands, recipes, files, headings, the example of a task."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.judge.commands import judge_one
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.recipe import Recipe
from pipeline.sources import files
from pipeline.stage import app
from tests.bench.__main__ import BENCHES

GUIDES = [Path("README.md"), *sorted(Path("pipeline").rglob("README.md")), Path("eval/README.md")]
PAGES = [*GUIDES, Path("tests/bench/README.md")]
TEXT = "".join(page.read_text() for page in PAGES)
COMMANDS = re.findall(r"python -m pipeline\.stage (\w+)(?: (recipes/\S+\.yaml))?", TEXT)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_commands_and_their_recipes_exist():
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert len(COMMANDS) >= 6
    assert {command for command, _ in COMMANDS} <= known
    assert all(Path(recipe).is_file() for _, recipe in COMMANDS if recipe)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if not link.startswith("http")]
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_benches_that_are_named_exist():
    assert set(re.findall(r"python -m tests\.bench ([\w-]+)", TEXT)) <= set(BENCHES)


def test_the_verdict_that_is_shown_is_given(tmp_path: Path, builds: Path, capsys: pytest.CaptureFixture[str]):
    shown = next(block for block in blocks("text") if "rejected: " in block)
    task, kernel = Path("recipes/example/task.py"), Path("recipes/example/kernel.py")
    assert f"--task {task} --candidate {kernel}" in shown
    options = {"backend": "simt", "cache": builds}
    assert judge_one(task, kernel, options, as_json=False) == 1
    assert "rejected: incorrect, race" in capsys.readouterr().out
    barred = kernel.read_text().replace("    float factor", "    __syncthreads();\n    float factor")
    (tmp_path / "barred.py").write_text(barred)
    assert judge_one(task, tmp_path / "barred.py", options, as_json=False) == 0
    (snippet,) = [block for block in blocks("python") if "JudgeConfig" in block]
    exec(snippet, {})
    assert capsys.readouterr().out.endswith("False incorrect race\n")


def test_the_task_is_a_task(tmp_path: Path, builds: Path):
    (source,) = [block for block in blocks("python") if "class Model" in block]
    assert source == Path("recipes/example/task.py").read_text()
    (tmp_path / "example.py").write_text(source)
    (task,) = files.read(files.Config(path=tmp_path), seed=0)
    assert task.category == "normalisation"
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=1)) as judge:
        plan = judge.settings(task).result()
        assert judge.probe(task, files.Config(path=tmp_path).filters).result() is None
    assert [s.name for s in plan.settings] == ["own", "odd", "small", "tiny"]


@pytest.mark.parametrize("block", blocks("yaml"))
def test_pieces_of_recipes_are_pieces_of_recipes(block: str):
    Recipe.model_validate({"name": "mine", "tasks": {"source": "composed"}, **yaml.safe_load(block)})
