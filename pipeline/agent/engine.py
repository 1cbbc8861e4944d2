"""Many rollouts at once: a fixed number of workers pull from an iterator, so memory does not grow with the run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipeline.errors import (
    BudgetSpentError,
    InfrastructureError,
    PipelineError,
    RefusedError,
    TeacherError,
    UserError,
)
from pipeline.records import Candidate

MAX_FAILURES_IN_A_ROW = 20

Job = TypeVar("Job")


@dataclass
class RolloutResults(Generic[Job]):
    """How the rollouts ended: ``owed`` ones lack an answer or a verdict, ``refused`` ones never get an answer.

    ``cut_short`` is the error of the first rollout that the budget ended; after it no further one is started.
    """

    finished: int = 0
    cut_short: BudgetSpentError | None = None
    owed: list[tuple[Job, PipelineError]] = field(default_factory=list)
    refused: list[tuple[Job, RefusedError]] = field(default_factory=list)

    def add(self, job: Job, fault: PipelineError | None) -> bool:
        """Enter how a rollout ended; return whether it is over for good."""
        match fault:
            case None:
                self.finished += 1
            case RefusedError():
                self.refused.append((job, fault))
            case BudgetSpentError():
                self.cut_short = self.cut_short or fault
            case _:
                self.owed.append((job, fault))
        return fault is None or isinstance(fault, RefusedError)


async def run_rollouts(
    jobs: Iterable[Job],
    start: Callable[[Job], AsyncIterator[Candidate]],
    keep: Callable[[Candidate], None],
    ended: Callable[[Job], None],
    concurrency: int,
) -> RolloutResults[Job]:
    """Run ``start(job)`` for every job, at most ``concurrency`` at a time, and return how they ended.

    ``keep`` gets every candidate as soon as it exists; ``ended`` every job that is finished or refused. Interrupted
    or failing, nothing that was kept is lost.

    Raises:
        UserError: the teacher can't answer at all, or ``MAX_FAILURES_IN_A_ROW`` rollouts failed one after another.
        InfrastructureError: the same with the judge.
        Exception: what ``keep`` raises; it ends the other rollouts too.
    """
    results: RolloutResults[Job] = RolloutResults()
    waiting = iter(jobs)
    failures = 0

    def kept(candidate: Candidate) -> None:
        nonlocal failures
        failures = 0
        keep(candidate)

    async def work() -> None:
        nonlocal failures
        for job in waiting:  # shared: each worker takes the next job when it is free
            if results.cut_short:
                return
            fault = await _follow(start(job), kept)
            if isinstance(fault, TeacherError | InfrastructureError):
                failures += 1
                if failures >= MAX_FAILURES_IN_A_ROW:
                    raise _too_many(failures, fault) from fault
            if results.add(job, fault):
                ended(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as faults:  # the first fault cancels the other workers; it alone is of interest
        raise faults.exceptions[0] from faults.exceptions[0].__cause__
    return results


async def _follow(candidates: AsyncIterator[Candidate], keep: Callable[[Candidate], None]) -> PipelineError | None:
    """Keep a rollout's candidates; return what ended it before its time, if anything did."""
    try:
        async with aclosing(candidates):  # type: ignore[type-var]
            async for candidate in candidates:
                keep(candidate)
    except (BudgetSpentError, TeacherError, InfrastructureError) as fault:
        return fault
    return None


def _too_many(failures: int, error: PipelineError) -> PipelineError:
    text = f"{failures} rollouts failed one after another, the last one: {error}"
    return UserError(text) if isinstance(error, TeacherError) else InfrastructureError(text)
