"""The first pass over the candidates: of every text only what the filters decide on is kept."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pipeline.agent.reply import split_reasoning
from pipeline.curation import duplicates
from pipeline.curation.code_tokens import renamed
from pipeline.curation.features import NOT_JUDGED, Features, Texts, count_tokens, normalised_code, text_hash
from pipeline.curation.funnel import FilterConfig, examine
from pipeline.curation.lengths import difficulty, reasoning_lengths
from pipeline.curation.reading import Row
from pipeline.records import Task

UNKNOWN_TASK = "unknown_task"
_FORMS = {"normalised": normalised_code, "renamed": renamed}


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
    timing = verdict["timing"]
    speedup = timing["speedup"] if timing else None
    return Judged(verdict["id"], verdict["accepted"], verdict["status"], verdict["reason"], speedup)


def read_features(
    rows: Iterable[Row], tasks: Mapping[str, Task], verdicts: Mapping[str, Judged], filters: Sequence[FilterConfig]
) -> FirstPass:
    """Return the features of the rows that are whole and belong to a known task, and what is wrong with others."""
    found = FirstPass()
    for row in rows:
        fault = row.fault or (UNKNOWN_TASK if row.values["task_id"] not in tasks else None)
        if fault:
            found.broken[row.key] = fault
        else:
            task = tasks[row.values["task_id"]]
            found.features[row.key] = features_of(row.values, task, verdicts.get(row.key, WITHOUT_VERDICT), filters)
    return found


def with_tasks_figures(
    rows: Sequence[Features], seen: Mapping[str, Mapping[str, Any]], edges: tuple[float, float]
) -> list[Features]:
    """Return the rows with what is known only of a task as a whole: its ARL, its difficulty, what filters saw."""
    lengths = reasoning_lengths(rows)
    completed: list[Features] = []
    for row in rows:
        arl = lengths.get(row.task_id)
        found = row.found | {k: by_task[row.task_id] for k, by_task in seen.items() if row.task_id in by_task}
        completed.append(replace(row, arl=arl, difficulty=difficulty(arl, edges), found=found))
    return completed


def features_of(answer: Mapping[str, Any], task: Task, verdict: Judged, filters: Sequence[FilterConfig]) -> Features:
    """Return what the filters see of a row of ``generate``; code is looked into only where a filter asks for it."""
    code, reasoning = answer["code"], answer["reasoning"]
    accepted = verdict.accepted and code is not None
    said_now = said(answer)
    reasoning_tokens = count_tokens(reasoning)
    form = next((f.across_tasks for f in filters if isinstance(f, duplicates.Config)), "no")
    compared = _FORMS.get(form)
    return Features(
        candidate_id=answer["id"],
        task_id=task.id,
        category=task.category,
        accepted=accepted,
        status=verdict.status,
        turn=answer["turn"] or 0,
        reasoning_tokens=reasoning_tokens,
        completion_tokens=reasoning_tokens + count_tokens(said_now),
        text_hash=text_hash(reasoning, code) if code is not None else None,
        code_hash=text_hash(code) if code is not None else None,
        normalised_code_hash=text_hash(compared(code)) if code is not None and accepted and compared else None,
        speedup=verdict.speedup,
        sample=answer["sample"] or 0,
        level=task.level,
        source=task.source,
        found=examine(Texts(reasoning or "", said_now, code), filters) if code is not None and accepted else {},
    )


def said(answer: Mapping[str, Any]) -> str:
    """Return the answer proper, as the teacher wrote it, without a think block."""
    return (split_reasoning(answer["messages"][-1]["content"] or "")[1] or "").strip()


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
