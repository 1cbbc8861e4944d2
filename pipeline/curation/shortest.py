"""Keeps each task's answer with the shortest reasoning (ConCuR, arXiv 2510.07356: concise traces teach best)."""

from collections.abc import Sequence
from typing import Literal

from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """Has no settings."""

    kind: Literal["shortest"] = "shortest"


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:  # noqa: ARG001  (every filter's signature)
    """Drop all but one answer per task: the shortest reasoning, and among equals the lowest candidate id."""
    best: dict[str, tuple[int, str]] = {}
    for row in rows:
        mine = (row.reasoning_tokens, row.candidate_id)
        best[row.task_id] = min(best.get(row.task_id, mine), mine)
    return {row.candidate_id: "not_shortest" for row in rows if best[row.task_id][1] != row.candidate_id}
