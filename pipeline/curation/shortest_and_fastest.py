"""ConCuR's first rule: a task's right answer with the shortest reasoning, where it is also the fastest kernel."""

from collections.abc import Sequence
from typing import Literal

from pipeline.curation.features import Features
from pipeline.curation.unmeasured import WhenUnmeasured, by_task, refuse_unmeasured
from pipeline.section import Section


class Config(Section):
    """``when_unmeasured`` says what becomes of a task of which not every right answer was timed.

    ``error`` stops, ``shortest`` keeps its shortest reasoning whatever its speed, ``drop`` keeps none of its answers.
    """

    kind: Literal["shortest_and_fastest"] = "shortest_and_fastest"
    when_unmeasured: WhenUnmeasured = "error"


def keeps(rows: Sequence[Features], config: Config) -> set[str]:
    """Return the candidates that the rule keeps, at most one per task.

    Of answers that tie for the shortest and also tie for the fastest, the lowest id is kept.

    Raises:
        UserError: speed was not measured and ``when_unmeasured`` is ``error``.
    """
    if config.when_unmeasured == "error":
        refuse_unmeasured(rows, config.kind)
    kept: set[str] = set()
    for members in by_task(rows).values():
        least = min(row.reasoning_tokens for row in members)
        speedups = [row.speedup for row in members if row.speedup is not None]
        if len(speedups) < len(members):
            if config.when_unmeasured == "drop":
                continue
            best = [row.candidate_id for row in members if row.reasoning_tokens == least]
        else:
            most = max(speedups)
            best = [r.candidate_id for r in members if r.reasoning_tokens == least and r.speedup == most]
        kept.update(sorted(best)[:1])
    return kept


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop all other answers; of a task that was not timed throughout and is dropped, with that reason."""
    kept = keeps(rows, config)
    reasons: dict[str, str] = {}
    for members in by_task(rows).values():
        unmeasured = config.when_unmeasured == "drop" and any(row.speedup is None for row in members)
        reason = "speed_not_measured" if unmeasured else "not_shortest_and_fastest"
        reasons |= {row.candidate_id: reason for row in members if row.candidate_id not in kept}
    return reasons
