"""Finished kernels as a model: what others' models wrote, scored again by this judge.

Two layouts are read. KernelBench's: ``runs/<name>/level_{L}_problem_{P}_sample_{S}_kernel.py``. JSON lines: rows with
``task`` (a task's name or id; or ``level`` and ``problem_id``), ``sample`` (default: as they come) and ``code``, a
module with ``ModelNew`` or a bare ``.cu``.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.section import Section

NAME = re.compile(r"^level_(\d+)_problem_(\d+)_sample_(\d+)_kernel\.py$")
PROBLEM = re.compile(r"^(?:level(\d+)/)?(\d+)_")


class Config(Section):
    """Where they are. They are judged by policy ``report`` unless said otherwise: see the judge's policies."""

    kind: Literal["kernels"]
    path: Path
    policy: Literal["report", "strict"] = "report"

    def local_files(self) -> dict[str, list[Path]]:
        """Return the kernels, or the JSON lines."""
        named = [file for file in self.path.glob("*") if NAME.match(file.name)]
        return {"path": named or [self.path]}


def problem_of(task: Task) -> tuple[int, int] | None:
    """Return KernelBench's level and problem id, None of a task that is none of its problems."""
    match = PROBLEM.match(task.name)
    level = task.level if task.level is not None else (int(match[1]) if match and match[1] else None)
    return (level, int(match[2])) if match and level is not None else None


def look(config: Config) -> None:
    """See whether there is anything to read, before anything is made ready for it.

    Raises:
        UserError: there is not.
    """
    if next(_kernels(config.path), None) is None:
        raise UserError(f"{config.path}: holds no kernel")


def read(config: Config, tasks: Sequence[Task]) -> tuple[dict[str, list[str | None]], int]:
    """Return the kernels of each task by its id, in the order of their samples, and how many were for no task.

    Every task has as many as the one with most: what is missing is None, an attempt that came to nothing.

    Raises:
        UserError: there is nothing to read, a row is not one, or nothing is for any of the tasks.
    """
    by_place = {place: task.id for task in tasks if (place := problem_of(task)) is not None}
    by_name = {task.name: task.id for task in tasks} | {task.id: task.id for task in tasks}
    found: dict[str, dict[int, str | None]] = defaultdict(dict)
    others = 0
    for place, sample, code in _kernels(config.path):
        task_id = by_name.get(place) if isinstance(place, str) else by_place.get(place)
        if task_id is None:
            others += 1
            continue
        number = len(found[task_id]) if sample is None else sample
        if number in found[task_id]:
            raise UserError(f"{config.path}: sample {number} of {place} comes twice")
        found[task_id][number] = code
    if not found:
        raise UserError(f"{config.path}: none of its {others} kernels is for a task of this suite")
    most = max(map(len, found.values()))
    kernels = {task.id: [code for _, code in sorted(found.get(task.id, {}).items())] for task in tasks}
    return {task_id: codes + [None] * (most - len(codes)) for task_id, codes in kernels.items()}, others


def _kernels(path: Path) -> Iterator[tuple[str | tuple[int, int], int | None, str | None]]:
    if path.is_dir():
        files = [(file, match) for file in sorted(path.iterdir()) if (match := NAME.match(file.name))]
        if not files:
            raise UserError(f"{path}: holds no level_*_problem_*_sample_*_kernel.py")
        for file, match in files:
            level, problem, sample = map(int, match.groups())
            yield (level, problem), sample, file.read_text(encoding="utf-8", errors="replace")
        return
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # only this ends a line of JSON
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path}: neither a folder of kernels nor a file of JSON lines") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _row(line, f"{path}, line {number}")


def _row(line: str, where: str) -> tuple[str | tuple[int, int], int | None, str | None]:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON: {error.msg}") from None
    if not isinstance(row, dict):
        raise UserError(f"{where}: not an object")
    place: Any = row.get("task")
    if place is None and type(row.get("level")) is int and type(row.get("problem_id")) is int:
        place = (row["level"], row["problem_id"])
    sample, code = row.get("sample", row.get("sample_id")), row.get("code")
    if not isinstance(place, str | tuple):
        raise UserError(f"{where}: no task, and no level with a problem_id")
    if not isinstance(code, str | None) or not (sample is None or (type(sample) is int and sample >= 0)):
        raise UserError(f"{where}: code must be a text or null, sample a number")
    return place, sample, code
