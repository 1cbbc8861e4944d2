"""Rejection sampling: several right answers of each task instead of one."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation.choosing import drawn
from pipeline.curation.features import Features
from pipeline.curation.unmeasured import by_task
from pipeline.section import Section


class Config(Section):
    """At most ``k`` right answers per task, the shortest reasoning first or ``random`` ones, drawn by ``seed``."""

    kind: Literal["per_task"] = "per_task"
    k: int = Field(default=4, ge=1)
    prefer: Literal["shortest", "random"] = "shortest"
    seed: int = Field(default=0, ge=0)


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop what goes beyond ``k`` answers of a task; equal lengths go by candidate id."""
    dropped: dict[str, str] = {}
    for members in by_task(rows).values():
        if config.prefer == "random":
            ordered = sorted(members, key=lambda row: drawn(row.candidate_id, config.seed))
        else:
            ordered = sorted(members, key=lambda row: (row.reasoning_tokens, row.candidate_id))
        dropped |= {row.candidate_id: "beyond_k_per_task" for row in ordered[config.k :]}
    return dropped
