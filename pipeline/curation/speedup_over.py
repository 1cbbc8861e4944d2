"""ConCuR's second rule: kernels that are very much faster than eager PyTorch, however long their reasoning."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation.features import Features
from pipeline.curation.unmeasured import WhenUnmeasured, by_task, refuse_unmeasured
from pipeline.section import Section


class Config(Section):
    """``bound``: the speedup that a kernel has to exceed; one that equals it does not.

    ``when_unmeasured`` says what becomes of answers that were not timed: ``error`` stops, ``shortest`` keeps the
    shortest reasoning of a task none of whose answers was timed, ``drop`` keeps none of them.
    """

    kind: Literal["speedup_over"] = "speedup_over"
    bound: float = Field(default=5.0, ge=0)
    when_unmeasured: WhenUnmeasured = "error"


def keeps(rows: Sequence[Features], config: Config) -> set[str]:
    """Return the candidates whose speedup exceeds the bound, all of a task that do.

    Raises:
        UserError: speed was not measured and ``when_unmeasured`` is ``error``.
    """
    if config.when_unmeasured == "error":
        refuse_unmeasured(rows, config.kind)
    kept = {row.candidate_id for row in rows if row.speedup is not None and row.speedup > config.bound}
    if config.when_unmeasured == "shortest":
        for members in by_task(rows).values():
            if all(row.speedup is None for row in members):
                kept.add(min(members, key=lambda row: (row.reasoning_tokens, row.candidate_id)).candidate_id)
    return kept


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop the others; the reason says whether a speed was too low or unknown."""
    kept = keeps(rows, config)
    return {
        row.candidate_id: "speed_not_measured" if row.speedup is None else "speedup_not_over_bound"
        for row in rows
        if row.candidate_id not in kept
    }
