"""Answers of an evaluated model in KernelBench's own layout, so that its harness scores the same kernels."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.kernels import problem_of
from pipeline.errors import UserError
from pipeline.output import to_write
from pipeline.records import Task


def export(rows: Iterable[Mapping[str, Any]], tasks: Iterable[Task], model: str, folder: Path) -> int:
    """Write ``level_{L}_problem_{P}_sample_{S}_kernel.py`` for each answer with code; return how many.

    Args:
        rows: of a sealed evaluate stage.
        tasks: what was posed.
        model: whose answers.
        folder: created; for KernelBench's harness it is ``runs/<run name>``.

    Raises:
        UserError: the model has no answer, or its tasks are none of KernelBench's; or a file is there already.
    """
    places = {task.id: problem_of(task) for task in tasks}
    own = [row for row in rows if row["model"] == model and row["code"] is not None]
    if not own:
        raise UserError(f"export: model {model!r} has no answer with code")
    to_write(folder / "kernel.py")
    for row in own:
        place = places.get(row["task_id"])
        if place is None:
            raise UserError(
                f"export: task {row['task_id']} is not one of KernelBench's problems; its harness has no such"
            )
        file = folder / f"level_{place[0]}_problem_{place[1]}_sample_{row['sample']}_kernel.py"
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(row["code"])
        except FileExistsError:
            raise UserError(f"{file}: already there; export into an empty folder") from None
    return len(own)
