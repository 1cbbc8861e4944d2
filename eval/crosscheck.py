"""Where KernelBench's own harness and this judge disagree about the same kernels."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from eval.kernels import problem_of
from pipeline.errors import UserError
from pipeline.records import Task


class Difference(NamedTuple):
    """One kernel on which they disagree; ``theirs`` and ``ours`` in words."""

    task: str
    sample: int
    theirs: str
    ours: str


class CrossCheck(NamedTuple):
    """``compared`` kernels of both, those that differ, and how many only one side has."""

    compared: int
    differences: list[Difference]
    only_theirs: int
    only_ours: int


def crosscheck(
    rows: Iterable[Mapping[str, Any]], tasks: Iterable[Task], model: str, level: int, file: Path
) -> CrossCheck:
    """Compare a model's rows with KernelBench's ``eval_results.json`` of the exported kernels, of one level.

    Raises:
        UserError: the file is not one, or the model has no row of that level.
    """
    theirs = _theirs(file)
    by_id = {task.id: task for task in tasks}
    ours: dict[tuple[int, int], Mapping[str, Any]] = {}
    for row in rows:
        place = problem_of(by_id[row["task_id"]]) if row["task_id"] in by_id else None
        if row["model"] == model and row["code"] is not None and place is not None and place[0] == level:
            ours[place[1], row["sample"]] = row
    if not ours:
        raise UserError(f"crosscheck: model {model!r} has no kernel for a problem of level {level}")
    shared = sorted(ours.keys() & theirs.keys())
    differences = [
        Difference(by_id[ours[place]["task_id"]].name, place[1], _words(theirs[place]), _ours(ours[place]))
        for place in shared
        if bool(theirs[place].get("correctness")) != ours[place]["accepted"]
    ]
    return CrossCheck(len(shared), differences, len(theirs) - len(shared), len(ours) - len(shared))


def _theirs(file: Path) -> dict[tuple[int, int], dict[str, Any]]:
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{file}: no eval_results.json of KernelBench") from None
    try:
        # Older versions of the harness keep one result a problem, not a list.
        listed = ((int(p), r) for p, rs in found.items() for r in (rs if isinstance(rs, list) else [rs]))
        return {(problem, int(result["sample_id"])): result for problem, result in listed}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(f"{file}: no eval_results.json of KernelBench") from None


def _words(result: Mapping[str, Any]) -> str:
    if result.get("correctness"):
        return "correct"
    return "incorrect" if result.get("compiled") else "does not compile"


def _ours(row: Mapping[str, Any]) -> str:
    reason = row["reason"]
    return row["verdict_status"] if reason is None else f"{row['verdict_status']}: {reason}"
