"""The tasks of a suite that the judge can judge by; those it can't are named and kept with their reason."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from eval.suite import Suite, tasks_of
from pipeline.errors import TaskError, UserError
from pipeline.futures import as_finished
from pipeline.records import Task
from pipeline.store import REJECTED
from pipeline.tables import from_row, to_row

if TYPE_CHECKING:
    from pipeline.executors import AnyJudge
    from pipeline.stages import StageContext

TABLE = "suite"  # of the evaluate stage: its tasks, one row each


def usable(context: "StageContext", judge: "AnyJudge", suite: Suite, limit: int | None, in_flight: int) -> list[Task]:
    """Run the references that were not run yet, and return the tasks to evaluate on, in the order of their ids.

    A task whose reference fails is said by name and becomes a rejected row with the judge's reason; the score is over
    the others, and results.json lists it.

    Raises:
        UserError: no task can be used.
        InfrastructureError: the judge failed on some; the next run probes those again.
    """
    store = context.store
    found = _found(context, suite)
    chosen = [found[task_id] for task_id in sorted(found)[:limit]]
    for item in chosen:
        if not isinstance(item, Task):
            _leave_out(context, *item)

    def fresh() -> Iterator[Task]:
        return (t for t in chosen if isinstance(t, Task) and f"{TABLE}/{t.id}" not in store)

    def probe(task: Task) -> Future[Any]:
        return judge.probe(task, seed=context.recipe.seed)

    context.progress.start(len(chosen), sum(1 for item in chosen if _task(item) in store))
    for task, future in as_finished(fresh(), probe, in_flight):
        try:
            future.result()
        except TaskError as error:
            _leave_out(context, task, error)
        else:
            store.append(f"{TABLE}/{task.id}", to_row(task), TABLE)
        context.progress.advance()
    tasks = [from_row(Task, row) for row in store.rows(TABLE)]
    if not tasks:
        first = next((row["detail"] for row in store.rows(REJECTED)), "there is none")
        raise UserError(f"evaluate: none of the {len(chosen)} tasks of suite {suite.name} can be used: {first}")
    return sorted(tasks, key=lambda task: task.id)


def _found(context: "StageContext", suite: Suite) -> dict[str, Task | tuple[Task, TaskError]]:
    """Return the suite's members by id. Of those that are the same the first is taken, and the others are said."""
    found: dict[str, Task | tuple[Task, TaskError]] = {}
    for item in tasks_of(suite, context.recipe.seed):
        task = item if isinstance(item, Task) else item[0]
        if (first := found.setdefault(task.id, item)) is not item:
            name = (first if isinstance(first, Task) else first[0]).name
            context.progress.say(f"{task.name} is word for word {name}: they are one task, {name}")
    return found


def left_out(context: "StageContext") -> dict[str, str]:
    """Return the names of the suite's tasks that were left out, with the reasons."""
    rows = context.store.rows(REJECTED)
    return {row["detail"].partition(": ")[0]: row["reason"] for row in rows if row["model"] is None}


def _task(item: Task | tuple[Task, TaskError]) -> str:
    return f"{TABLE}/{(item if isinstance(item, Task) else item[0]).id}"


def _leave_out(context: "StageContext", task: Task, error: TaskError) -> None:
    key = f"{TABLE}/{task.id}"
    line = f"{task.name}: {' '.join(str(error).split())[:300]}"
    if key not in context.store:
        row = {"task_id": task.id, "category": task.category, "detail": line, "model": None}
        context.store.reject(key, row, error.reason)
        context.progress.say(f"left out {line}")
