"""Runs a model's strategies over the tasks: a row per answer; a run that goes on asks for none a second time."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from eval.answers import DECISION_COLUMNS, Decision, decision_of
from eval.config import Strategy
from eval.strategies import Allowance, attempts, tokens_of
from pipeline.agent.loop import Helpers, judged
from pipeline.errors import BudgetSpentError, RefusedError, TeacherError
from pipeline.records import Candidate, Task, content_hash
from pipeline.store import StageStore
from pipeline.tables import from_row, schema_of, to_row

TABLE = "strategies"  # of the evaluate stage: a row per answer of a strategy
SCHEMA = schema_of(
    Candidate,
    model=pa.string(),
    strategy=pa.string(),
    category=pa.string(),
    tokens=pa.int64(),
    **DECISION_COLUMNS,
)


class Trial(NamedTuple):
    """One strategy at work on one task."""

    strategy: Strategy
    task: Task


class Trials:
    """The trials of one model.

    Args:
        store: the stage's; rows of an interrupted run are gone on from.
        model: its name in the results.
        helpers: who answers and who judges.
        budget: completion tokens a task.
        known: decisions by task and code that need no second verdict; it grows.
        ended: called after each trial.
    """

    def __init__(
        self,
        store: StageStore,
        model: str,
        helpers: Helpers,
        budget: int,
        known: dict[tuple[str, str], Decision],
        ended: Callable[[], None],
    ) -> None:
        self._store = store
        self._model = model
        self._helpers = helpers
        self._budget = budget
        self._known = known
        self._ended = ended
        self._timed = helpers.judge.backend == "cuda"
        self._earlier: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in store.rows(TABLE):
            if row["model"] == model:
                self._earlier[row["strategy"], row["task_id"]].append(row)

    async def run(self, trials: Iterable[Trial], at_once: int) -> list[TeacherError]:
        """Run the trials and return the faults of those that got no answer: they are owed.

        Raises:
            PipelineError: another fault than a missing answer, once all other trials have ended.
        """
        slots = asyncio.Semaphore(at_once)

        async def one(trial: Trial) -> None:
            async with slots:
                await self._run(trial)
                self._ended()

        ended = await asyncio.gather(*map(one, trials), return_exceptions=True)
        faults = [fault for fault in ended if isinstance(fault, BaseException)]
        for fault in faults:
            if not isinstance(fault, TeacherError):
                raise fault
        return [fault for fault in faults if isinstance(fault, TeacherError)]

    async def _run(self, trial: Trial) -> None:
        """Run one trial until its tokens are spent; where no speed is measured, until an answer is right."""
        rows = self._earlier[trial.strategy, trial.task.id]
        earlier = sorted((from_row(Candidate, row) for row in rows), key=lambda c: (c.turn, c.sample))
        allowance = Allowance(self._helpers.teacher, self._budget, earlier)
        if not self._timed and any(row["accepted"] for row in rows):
            return
        helpers = self._helpers._replace(teacher=allowance)
        try:
            async for candidate in attempts(trial.strategy, trial.task, helpers, earlier):
                decision = await self._decision(trial.task, candidate)
                self._keep(trial, candidate, decision)
                if decision.accepted and not self._timed:
                    await allowance.close()  # what is under way is paid for, so it is waited for
        except (BudgetSpentError, RefusedError):
            return

    async def _decision(self, task: Task, candidate: Candidate) -> Decision:
        if candidate.code is None:
            return Decision("malformed", candidate.status, None, False, None)
        place = task.id, content_hash(candidate.code)
        if place not in self._known:
            self._known[place] = decision_of(await judged(task, candidate, candidate.code, self._helpers.judge))
        return self._known[place]

    def _keep(self, trial: Trial, candidate: Candidate, decision: Decision) -> None:
        task = trial.task
        row = {**to_row(candidate), **decision._asdict(), "tokens": tokens_of(candidate)}
        about = {"model": self._model, "strategy": trial.strategy, "category": task.category}
        place = f"{candidate.turn:02d}/{candidate.sample:04d}"
        self._store.append(f"{TABLE}/{self._model}/{trial.strategy}/{task.id}/{place}", {**row, **about}, TABLE)


def trials(strategies: Sequence[Strategy], tasks: Sequence[Task]) -> list[Trial]:
    """Return every strategy on every task, strategy by strategy."""
    return [Trial(strategy, task) for strategy in strategies for task in tasks]
