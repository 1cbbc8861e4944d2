"""Chooses among right answers by one of the arms of ConCuR's ablation (arXiv 2510.07356)."""

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation import shortest_and_fastest, single_operator, speedup_over
from pipeline.curation.choosing import drawn
from pipeline.curation.features import Features
from pipeline.curation.unmeasured import WhenUnmeasured, by_task, refuse_unmeasured
from pipeline.section import Section

Arm = Literal["concur", "shortest", "longest", "fastest", "random", "all"]


class Config(Section):
    """``arm`` says what is kept.

    - ``concur``: the union of ``shortest_and_fastest``, ``speedup_over`` the ``bound`` and, of the tasks which these
      leave without an answer, ``single_operator``; the funnel counts what each adds to those before it.
    - ``shortest``, ``longest``, ``fastest``, ``random``: one answer per task.
    - ``all``: every right answer.

    ``size`` cuts any arm to the same number by a random choice, so that arms can be compared; ``seed`` decides that
    and ``random``. ``when_unmeasured`` is for the arms that need speed, ``concur`` and ``fastest``, where an answer
    was not timed: ``error`` stops, ``shortest`` goes by reasoning alone in that task, ``drop`` leaves the task out of
    what needs speed.
    """

    kind: Literal["select"] = "select"
    arm: Arm = "concur"
    bound: float = Field(default=5.0, ge=0)
    single_operator_limit: int | None = Field(default=None, ge=0)
    size: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    when_unmeasured: WhenUnmeasured = "error"


def kept_by(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Return the candidates that are kept, each with the rule that keeps it.

    Raises:
        UserError: an arm needs speed that was not measured, and ``when_unmeasured`` is ``error``.
    """
    chosen = _concur(rows, config) if config.arm == "concur" else _one_arm(rows, config)
    if config.size is not None:
        remaining = sorted(chosen, key=lambda candidate: drawn(candidate, config.seed))[: config.size]
        chosen = {candidate: chosen[candidate] for candidate in remaining}
    return chosen


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop what the arm does not keep."""
    chosen = kept_by(rows, config)
    return {row.candidate_id: f"not_{config.arm}" for row in rows if row.candidate_id not in chosen}


def _concur(rows: Sequence[Features], config: Config) -> dict[str, str]:
    if config.when_unmeasured == "error":
        refuse_unmeasured(rows, "select: concur")
    first = shortest_and_fastest.Config(when_unmeasured=config.when_unmeasured)
    # Where the first rule has fallen back on length, the second has nothing to add to it.
    second = speedup_over.Config(bound=config.bound, when_unmeasured="drop")
    third = single_operator.Config(limit=config.single_operator_limit, seed=config.seed)
    chosen = dict.fromkeys(shortest_and_fastest.keeps(rows, first), first.kind)
    for candidate in speedup_over.keeps(rows, second):
        chosen.setdefault(candidate, second.kind)
    answered = {row.task_id for row in rows if row.candidate_id in chosen}
    others = [row for row in rows if row.task_id not in answered]
    return chosen | dict.fromkeys(single_operator.keeps(others, third), third.kind)


def _one_arm(rows: Sequence[Features], config: Config) -> dict[str, str]:
    if config.arm == "all":
        return {row.candidate_id: "all" for row in rows}
    if config.arm == "fastest" and config.when_unmeasured == "error":
        refuse_unmeasured(rows, "select: fastest")
    chosen: dict[str, str] = {}
    for members in by_task(rows).values():
        order = _ORDERS[config.arm]
        if config.arm == "fastest" and any(row.speedup is None for row in members):
            if config.when_unmeasured == "drop":
                continue
            order = _ORDERS["shortest"]
        best = min(members, key=lambda row: (order(row, config.seed), row.candidate_id))
        chosen[best.candidate_id] = config.arm
    return chosen


_ORDERS: dict[str, Callable[[Features, int], float | bytes]] = {
    "shortest": lambda row, _: row.reasoning_tokens,
    "longest": lambda row, _: -row.reasoning_tokens,
    "fastest": lambda row, _: -(row.speedup or 0),
    "random": lambda row, seed: drawn(row.candidate_id, seed),
}
