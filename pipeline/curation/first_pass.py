"""The first pass over the candidates: of every text only what the filters decide on is kept."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.curation.examining import Examined, examined
from pipeline.curation.features import NOT_JUDGED, Features
from pipeline.curation.funnel import FilterConfig
from pipeline.curation.lengths import difficulty, reasoning_lengths
from pipeline.curation.reading import CANDIDATES, Keys, table_of
from pipeline.records import Task

UNKNOWN_TASK = "unknown_task"


class Judged(NamedTuple):
    """What curation needs of a verdict; of a candidate without one only that it has none."""

    verdict_id: str | None
    accepted: bool
    status: str
    reason: str | None
    speedup: float | None


WITHOUT_VERDICT = Judged(None, accepted=False, status=NOT_JUDGED, reason=None, speedup=None)


@dataclass
class FirstPass:
    """``features`` by candidate id, and ``broken``: key of the row -> reason why it can't take part."""

    features: dict[str, Features] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def judged(verdict: Mapping[str, Any]) -> Judged:
    """Return what curation needs of a row of ``verify``."""
    timing, status, reason = verdict["timing"], verdict["status"], verdict["reason"]
    speedup = timing["speedup"] if timing else None  # of the few texts there are one copy is enough
    return Judged(verdict["id"], verdict["accepted"], sys.intern(status), reason and sys.intern(reason), speedup)


def read_features(
    stage: Path,
    tasks: Mapping[str, Task],
    verdicts: Mapping[str, Judged],
    filters: Sequence[FilterConfig],
    workers: int = 1,
) -> FirstPass:
    """Return the features of the rows of ``generate`` that are whole and belong to a known task, and others' faults.

    Texts are looked into by up to so many processes; what comes out is the same whatever their number.

    Raises:
        UserError: the stage is not complete, or a column is missing.
        InfrastructureError: a process died.
    """
    found, keys = FirstPass(), Keys()

    def accepted(candidate: str | None) -> bool:
        return candidate is not None and verdicts.get(candidate, WITHOUT_VERDICT).accepted

    for row in examined(table_of(stage, CANDIDATES), accepted, filters, workers):
        key, fault = keys.next(row.candidate_id, row.fault)
        fault = fault or (UNKNOWN_TASK if row.task_id not in tasks else None)
        if fault:
            found.broken[key] = fault
        else:
            found.features[key] = _features(row, key, tasks[row.task_id or ""], verdicts.get(key, WITHOUT_VERDICT))
    return found


def with_tasks_figures(
    rows: list[Features], seen: Mapping[str, Mapping[str, Any]], edges: tuple[float, float]
) -> list[Features]:
    """Return the rows with what is known only of a task as a whole: its ARL, its difficulty, what filters saw.

    The list is changed in place: two of a million rows are too many.
    """
    lengths = reasoning_lengths(rows)
    for i, row in enumerate(rows):
        arl = lengths.get(row.task_id)
        of_task = {k: by_task[row.task_id] for k, by_task in seen.items() if row.task_id in by_task}
        rows[i] = replace(row, arl=arl, difficulty=difficulty(arl, edges), found={**row.found, **of_task})
    return rows


def _features(row: Examined, key: str, task: Task, verdict: Judged) -> Features:
    return Features(
        candidate_id=key,
        task_id=sys.intern(row.task_id or ""),
        category=task.category,
        accepted=verdict.accepted and row.code_hash is not None,
        status=verdict.status,
        turn=row.turn,
        reasoning_tokens=row.reasoning_tokens,
        completion_tokens=row.completion_tokens,
        text_hash=row.text_hash,
        code_hash=row.code_hash,
        normalised_code_hash=row.normalised_code_hash,
        speedup=verdict.speedup,
        sample=row.sample,
        level=task.level,
        source=task.source,
        found=row.found,
    )


def without_verdicts(rows: Iterable[Features]) -> dict[str, Any]:
    """Return how many tasks have candidates none of which was judged, and the first ten of their ids."""
    has_verdict: dict[str, bool] = {}
    for row in rows:
        has_verdict[row.task_id] = has_verdict.get(row.task_id, False) or row.status != NOT_JUDGED
    lacking = sorted(task for task, judged_any in has_verdict.items() if not judged_any)
    return {"tasks": len(lacking), "first": lacking[:10]}


def counted(broken: Mapping[str, str]) -> dict[str, int]:
    """Return how many rows have each fault."""
    return dict(sorted(Counter(broken.values()).items()))
