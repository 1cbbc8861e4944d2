"""Drops tasks that came in twice, for example from two sources: their answers are one task's answers, not two's."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pipeline.curation.code_tokens import renamed
from pipeline.curation.features import Features, text_hash
from pipeline.records import Task
from pipeline.section import Section


class Config(Section):
    """Has no settings: references count as the same if they differ in comments, layout and own names alone."""

    kind: Literal["same_task"] = "same_task"


def examine_tasks(tasks: Iterable[Task], config: Config) -> dict[str, str]:  # noqa: ARG001  (such filters' signature)
    """Return a hash per task id of what is asked: the reference and the direction."""
    return {task.id: text_hash(renamed(task.reference), task.direction) for task in tasks}


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Keep the answers to the lowest task id of each reference; the reason says whether the sources differ."""
    first: dict[str, Features] = {}
    for row in rows:
        key = row.found[config.kind]
        first[key] = min(first.get(key, row), row, key=lambda r: r.task_id)
    dropped: dict[str, str] = {}
    for row in rows:
        owner = first[row.found[config.kind]]
        if owner.task_id != row.task_id:
            dropped[row.candidate_id] = "same_task" if owner.source == row.source else "same_task_of_other_source"
    return dropped
