"""The cheats as the tests know them: each candidate's file and what its header says of it."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.records import Task
from pipeline.sources.files import task_from_source

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Cheat:
    """One file of ``candidates/``.

    Attributes:
        name: of the file, without its ending.
        code: the file, as a model might have written it.
        entries: of the catalogue in README.md that it stands for.
        task: the module of ``tasks/`` that it pretends to solve.
        strict: status and reason under policy strict; alternatives are separated by ``|``, no reason means any.
        report: ``rejected``, or ``accepted: `` and why that is right.
        gpu_only: whether what it gains exists on a GPU only.
        idea: what it does, for a person.
    """

    name: str
    code: str
    entries: tuple[int, ...]
    task: str
    strict: str
    report: str
    gpu_only: bool
    idea: str


def cheats() -> list[Cheat]:
    """Return all cheats, in the order of their names."""
    return [_read(path) for path in sorted((FOLDER / "candidates").glob("*.py"))]


@cache
def task(name: str) -> Task:
    """Return the task of a module of ``tasks/``."""
    path = FOLDER / "tasks" / f"{name}.py"
    return task_from_source(path.read_text(), name, str(path))


def _read(path: Path) -> Cheat:
    code = path.read_text()
    text = ast.get_docstring(ast.parse(code)) or ""
    header, _, idea = text.partition("\n\n")
    fields = dict(line.split(": ", 1) for line in header.splitlines())
    return Cheat(
        name=path.stem,
        code=code,
        entries=tuple(map(int, fields.pop("Entries").split(", "))),
        task=fields.pop("Task"),
        strict=fields.pop("Strict"),
        report=fields.pop("Report"),
        gpu_only=fields.pop("GPU only", "no") == "yes",
        idea=" ".join(idea.split()),
    )
