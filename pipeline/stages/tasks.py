"""Collect tasks: read the source, drop duplicates, and keep what the judge can judge by."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.errors import TaskError, UserError
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.records import Task
from pipeline.stages import StageContext
from pipeline.store import REJECTED
from pipeline.tables import schema_of, to_row

if TYPE_CHECKING:
    from pipeline.recipe import TasksConfig

SCHEMA = schema_of(Task)


def run(context: StageContext) -> dict[str, Any]:
    """Write the source's usable tasks, keyed by their id; return counts by split, category, level and reason.

    Every reference is run by the judge before it is accepted. One that can't be used is rejected with the judge's
    reason; of tasks that are the same, the first in the source's order is kept.

    Raises:
        UserError: no task can be used.
        InfrastructureError: the judge failed on some tasks; the next run probes those again.
    """
    from pipeline.judge.judge import Judge

    recipe, store, progress = context.recipe, context.store, context.progress
    tasks = list(read_source(recipe.tasks, recipe.seed))
    progress.start(len(tasks), done=len(store))
    named = recipe.tasks.source == "files"  # the user's own modules: every fault is for them to mend
    first, untraced = None, 0
    with Judge(recipe.judge, recipe.seed) as judge:
        probe = lambda task: judge.probe(task, recipe.tasks.filters)  # noqa: E731
        limit = IN_FLIGHT_PER_WORKER * judge.workers
        for task, future in as_finished(_fresh(tasks, context), probe, limit):
            try:
                untraced += future.result() is not None
            except TaskError as error:
                store.reject(task.id, to_row(task), error.reason)
                line = f"{task.name}: {' '.join(str(error).split())[:300]}"
                first = first or line
                if named:
                    progress.say(f"rejected {line}")
            else:
                store.append(task.id, to_row(task))
            progress.advance()
    if untraced:
        progress.say(f"redundant operations were not looked for in {untraced} tasks that torch.fx can't trace")
    stats = _stats(context)
    if not stats["tasks"]:
        first = first or next((f"{row['name']}: {row['reason']}" for row in store.rows(REJECTED)), "there is none")
        source = recipe.tasks.source
        raise UserError(f"tasks: none of the {len(tasks)} tasks of source {source!r} can be used; the first: {first}")
    return stats


def read_source(config: "TasksConfig", seed: int) -> Iterator[Task]:
    """Yield the tasks of the source that the recipe names."""
    match config.source:
        case "composed":
            from pipeline.sources import composed

            yield from composed.read(config, seed)
        case "files":
            from pipeline.sources import files

            yield from files.read(config, seed)


def _fresh(tasks: list[Task], context: StageContext) -> Iterator[Task]:
    """Yield the tasks that are not stored yet; reject duplicates on the way."""
    seen: Counter[str] = Counter()
    for task in tasks:
        seen[task.id] += 1
        key = f"{task.id}/{seen[task.id]}"
        if seen[task.id] == 1 and task.id not in context.store:
            yield task
        elif seen[task.id] > 1 and key not in context.store:
            context.store.reject(key, to_row(task), "duplicate")
            context.progress.advance()


def _stats(context: StageContext) -> dict[str, Any]:
    rows = list(context.store.rows())
    stats: dict[str, Any] = {"tasks": len(rows)}
    for column in ("split", "category", "level", "source"):
        stats[f"by_{column}"] = dict(Counter(str(row[column]) for row in rows).most_common())
    stats["by_reason"] = dict(Counter(row["reason"] for row in context.store.rows(REJECTED)).most_common())
    return stats
