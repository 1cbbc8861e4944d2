"""The candidates of a run that the judge did not accept, so that one can be chosen to look at."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import UserError, nearest
from pipeline.records import Verdict
from pipeline.tables import from_row
from pipeline.unfinished import rows_so_far


class Rejected(NamedTuple):
    """One of them: its id, its task's name, why, and what the judge says of it in a line."""

    candidate_id: str
    task: str
    reason: str
    detail: str


def rejected(out: Path, reason: str | None, limit: int) -> tuple[list[Rejected], int]:
    """Return the first of the stages verify and evaluate, complete or at work, and how many there are.

    Args:
        out: the run's directory.
        reason: of these alone; None for all.
        limit: at most so many.

    Raises:
        UserError: there is none, or none for that reason; the message names the reasons that there are.
    """
    every = list(_every(out))
    chosen = [row for row in every if reason is None or row.reason == reason]
    if not every:
        raise UserError(f"{out}: verify and evaluate have rejected no candidate there")
    if not chosen:
        reasons = sorted({row.reason for row in every})
        near = nearest(reason or "", reasons)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(reasons)}"
        raise UserError(f"{out}: no candidate is rejected for reason {reason!r}; {hint}")
    return list(islice(chosen, limit)), len(chosen)


def _every(out: Path) -> Iterator[Rejected]:
    tables = (("tasks", "data"), ("evaluate", "suite"))
    names = {row["id"]: row["name"] for stage, table in tables for row in rows_so_far(out / stage, table)}
    for row in rows_so_far(out / "verify"):
        if not row["accepted"]:
            verdict = from_row(Verdict, row)
            name = names.get(row["task_id"], row["task_id"])
            yield Rejected(row["candidate_id"], name, row["reason"], verdict.detail or "")
    for row in rows_so_far(out / "evaluate"):
        if not row["accepted"] and row["id"] is not None:
            name = f"{names.get(row['task_id'], row['task_id'])} ({row['model']})"
            yield Rejected(row["id"], name, row["reason"] or row["verdict_status"], row["detail"] or "")
