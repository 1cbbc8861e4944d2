"""Drops repeated answers.

Two answers to one task with the same code and different reasoning are no duplicates: which of the two is kept is for
``shortest`` to say. The same code under different tasks is one only if the recipe says so: tasks that differ in
their sizes alone share a right kernel.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Literal, TypeVar

from pipeline.curation.features import Features
from pipeline.section import Section

K = TypeVar("K", bound=Hashable)


class Config(Section):
    """``across_tasks``: also drop code that another task has.

    It is compared as it is (``exact``), without comments and layout (``normalised``), or also with the names that it
    makes up numbered (``renamed``).
    """

    kind: Literal["duplicates"] = "duplicates"
    across_tasks: Literal["no", "exact", "normalised", "renamed"] = "no"


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop all but one of the identical answers to a task (the lowest id stays).

    Across tasks, the lowest task id among those with the same code keeps all its answers with it, the others lose
    theirs.
    """
    first = _lowest(((row.task_id, row.text_hash), row.candidate_id) for row in rows if row.text_hash)
    dropped = {
        row.candidate_id: "duplicate_text"
        for row in rows
        if row.text_hash and first[row.task_id, row.text_hash] != row.candidate_id
    }
    if config.across_tasks == "no":
        return dropped
    codes = {row.candidate_id: _code(row, config) for row in rows}
    owner = _lowest((code, row.task_id) for row in rows if (code := codes[row.candidate_id]))
    for row in rows:
        code = codes[row.candidate_id]
        if code and owner[code] != row.task_id:
            dropped.setdefault(row.candidate_id, "duplicate_code")
    return dropped


def _code(row: Features, config: Config) -> str | None:
    return row.code_hash if config.across_tasks == "exact" else row.normalised_code_hash


def _lowest(pairs: Iterable[tuple[K, str]]) -> dict[K, str]:
    """Return the lowest id of each key."""
    lowest: dict[K, str] = {}
    for key, identifier in pairs:
        lowest[key] = min(lowest.get(key, identifier), identifier)
    return lowest
