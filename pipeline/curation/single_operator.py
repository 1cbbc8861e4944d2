"""ConCuR's third rule: tasks of a single operator, which other rules leave too few of, one answer each."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation.choosing import drawn
from pipeline.curation.features import Features
from pipeline.curation.unmeasured import by_task
from pipeline.section import Section

SINGLE = 1  # the level of a task of one operator, for composed tasks and for KernelBench's problems


class Config(Section):
    """``limit``: how many tasks at most (ConCuR: 544 beside 4,348 others); which, is drawn by ``seed``."""

    kind: Literal["single_operator"] = "single_operator"
    limit: int | None = Field(default=None, ge=0)
    seed: int = Field(default=0, ge=0)


def keeps(rows: Sequence[Features], config: Config) -> set[str]:
    """Return the candidate with the shortest reasoning of each task of level 1, of at most ``limit`` tasks.

    Among equals the lowest id is kept. Tasks whose level is not known count as no such tasks.
    """
    tasks = by_task(row for row in rows if row.level == SINGLE)
    chosen = sorted(tasks, key=lambda task: drawn(task, config.seed))[: config.limit]
    return {min(tasks[t], key=lambda row: (row.reasoning_tokens, row.candidate_id)).candidate_id for t in chosen}


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop all other answers; the reason says whether the task or the answer is why."""
    kept = keeps(rows, config)
    return {
        row.candidate_id: "single_operator_not_chosen" if row.level == SINGLE else "not_single_operator"
        for row in rows
        if row.candidate_id not in kept
    }
