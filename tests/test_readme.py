"""What the README tells people to type exists: commands, recipes, files, the example of a task."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.recipe import Recipe
from pipeline.sources import files
from pipeline.stage import app

README = Path("README.md").read_text()
COMMANDS = re.findall(r"python -m pipeline\.stage (\w+)(?: (recipes/\S+\.yaml))?", README)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_commands_and_their_recipes_exist():
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert len(COMMANDS) >= 6
    assert {command for command, _ in COMMANDS} <= known
    assert all(Path(recipe).is_file() for _, recipe in COMMANDS if recipe)


def test_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links
    assert all(Path(link).exists() for link in links), links


def test_the_task_is_a_task(tmp_path: Path):
    (source,) = [block for block in blocks("python") if "class Model" in block]
    (tmp_path / "example.py").write_text(source)
    (task,) = files.read(files.Config(path=tmp_path), seed=0)
    assert task.category == "normalisation"
    with Judge(JudgeConfig(backend="simt", cache=tmp_path, workers=1)) as judge:
        plan = judge.settings(task).result()
    assert [s.name for s in plan.settings] == ["own", "odd", "small", "tiny"]


@pytest.mark.parametrize("block", blocks("yaml"))
def test_pieces_of_recipes_are_pieces_of_recipes(block: str):
    Recipe.model_validate({"name": "mine", "tasks": {"source": "composed"}, **yaml.safe_load(block)})
