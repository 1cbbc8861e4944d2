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
class Outcome(Generic[Job]):
    """How the rollouts ended: ``owed`` ones lack an answer or a verdict, ``refused`` ones never get an answer.

    ``cut_short`` is the error of the first rollout that the budget ended; after it no further one is started.
    """

    finished: int = 0
    cut_short: BudgetSpentError | None = None
    owed: list[tuple[Job, PipelineError]] = field(default_factory=list)
    refused: list[tuple[Job, RefusedError]] = field(default_factory=list)


async def run_rollouts(
    jobs: Iterable[Job],
    start: Callable[[Job], AsyncIterator[Candidate]],
    keep: Callable[[Candidate], None],
    ended: Callable[[Job], None],
    concurrency: int,
) -> Outcome[Job]:
    """Run ``start(job)`` for every job, at most ``concurrency`` at a time, and return how they ended.

    ``keep`` gets every candidate as soon as it exists; ``ended`` every job that is finished or refused. Interrupted
    or failing, nothing that was kept is lost.

    Raises:
        UserError: the teacher can't answer at all, or ``MAX_FAILURES_IN_A_ROW`` rollouts failed one after another.
        InfrastructureError: the same with the judge.
        Exception: what ``keep`` raises; it ends the other rollouts too.
    """
    outcome: Outcome[Job] = Outcome()
    waiting = iter(jobs)
    failures = 0

    async def work() -> None:
        nonlocal failures
        for job in waiting:  # shared: each worker takes the next job when it is free
            if outcome.cut_short:
                return
            try:
                async with aclosing(start(job)) as candidates:  # type: ignore[type-var]
                    async for candidate in candidates:
                        failures = 0
                        keep(candidate)
            except BudgetSpentError as error:
                outcome.cut_short = outcome.cut_short or error
            except (TeacherError, InfrastructureError) as error:
                failures += 1
                if failures >= MAX_FAILURES_IN_A_ROW:
                    raise _too_many(failures, error) from error
                if isinstance(error, RefusedError):
                    outcome.refused.append((job, error))
                    ended(job)
                else:
                    outcome.owed.append((job, error))
            else:
                outcome.finished += 1
                ended(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as faults:  # the first fault cancels the other workers; it alone is of interest
        raise faults.exceptions[0] from faults.exceptions[0].__cause__
    return outcome


def _too_many(failures: int, error: PipelineError) -> PipelineError:
    text = f"{failures} rollouts failed one after another, the last one: {error}"
    return UserError(text) if isinstance(error, TeacherError) else InfrastructureError(text)
