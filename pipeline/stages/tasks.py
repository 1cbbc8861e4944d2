"""Collect tasks: read the source, drop duplicates and what an evaluation suite holds, keep what the judge can use."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from eval.suite import HELDOUT
from pipeline.curation.similarity import Corpus, Nearest, nearest, normal_form
from pipeline.errors import TaskError, UserError
from pipeline.executors import open_judge
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.records import Task
from pipeline.sources.found import Broken, Found
from pipeline.stages import StageContext
from pipeline.store import REJECTED
from pipeline.tables import schema_of, to_row

if TYPE_CHECKING:
    from pipeline.recipe import Recipe, TasksConfig
    from pipeline.sources.config import Decontaminate

SCHEMA = schema_of(Task)
COUNTERPARTS = "counterparts"
FURTHER = {
    COUNTERPARTS: pa.schema(
        [("task_id", pa.string()), ("task", pa.string()), ("counterpart", pa.string()), ("similarity", pa.float64())]
    )
}


def check(recipe: "Recipe") -> None:
    """See whether what the source reads is there; see ``pipeline.checks``."""
    path = getattr(recipe.tasks, "path", None)
    if path is not None and not path.exists():
        raise UserError(f"tasks.path: {path} does not exist")


def run(context: StageContext) -> dict[str, Any]:
    """Write the source's usable tasks, keyed by their id; return counts by split, category, level and reason.

    Every reference is run by the judge before it is accepted. One that can't be used is rejected with the judge's
    reason; of tasks that are the same, the first in the source's order is kept. What is too similar to a member of
    an evaluation suite is rejected as ``contaminated``, and counterparts.parquet names its nearest.

    Raises:
        UserError: no task can be used.
        InfrastructureError: the judge failed on some tasks; the next run probes those again.
    """
    recipe, store, progress = context.recipe, context.store, context.progress
    section = recipe.tasks
    if section is None:
        raise UserError("the recipe has no section 'tasks'")
    found = list(read_source(section, recipe.seed))
    rejections = _Rejections(context, named=section.source == "files")
    tasks = list(_usable(found, section.decontaminate, context, rejections))
    progress.start(len(found), done=len(found) - len(tasks))
    untraced = 0
    with open_judge(recipe.executor, recipe.judge) as judge:
        probe = lambda task: judge.probe(task, section.filters, recipe.seed)  # noqa: E731
        limit = IN_FLIGHT_PER_WORKER * judge.workers
        for task, future in as_finished(iter(tasks), probe, limit):
            try:
                untraced += future.result() is not None
            except TaskError as error:
                rejections.add(task.id, task, error.reason, str(error))
            else:
                store.append(task.id, to_row(task))
            progress.advance()
    if untraced:
        progress.say(f"redundant operations were not looked for in {untraced} tasks that torch.fx can't trace")
    stats = _stats(context)
    if "heldout" not in stats["by_split"] and recipe.evaluate is not None and recipe.evaluate.suite == HELDOUT:
        progress.say(f"no task is held out: there is none for evaluate.suite {HELDOUT!r} to evaluate on")
    if not stats["tasks"]:
        first = rejections.first or next(
            (f"{r['name']}: {r['reason']}" for r in store.rows(REJECTED)), "there is none"
        )
        of = f"tasks of source {section.source!r}"
        raise UserError(f"tasks: none of the {len(found)} {of} can be used; the first: {first}")
    return stats


def read_source(config: "TasksConfig", seed: int) -> Iterator[Found]:
    """Yield the tasks of the source that the recipe names, and what is broken in it."""
    match config.source:
        case "composed":
            from pipeline.sources import composed

            yield from composed.read(config, seed)
        case "files":
            from pipeline.sources import files

            yield from files.read(config, seed)
        case "kernelbench":
            from pipeline.sources import kernelbench

            yield from kernelbench.read(config, seed)
        case "kernelbook":
            from pipeline.sources import kernelbook

            yield from kernelbook.read(config, seed)
        case "robust_kbench":
            from pipeline.sources import robust_kbench

            yield from robust_kbench.read(config, seed)


class _Rejections:
    """Writes rejected rows; keeps the first one's line for the error of a stage that has no task left."""

    def __init__(self, context: StageContext, *, named: bool) -> None:
        self._context = context
        self._named = named  # the user's own modules: every fault is theirs to mend
        self.first: str | None = None

    def add(self, key: str, task: Task, reason: str, detail: str) -> None:
        self._context.store.reject(key, to_row(task), reason)
        line = f"{task.name}: {' '.join(detail.split())[:300]}"
        self.first = self.first or line
        if self._named:
            self._context.progress.say(f"rejected {line}")


def _usable(
    found: list[Found], config: "Decontaminate | None", context: StageContext, rejections: _Rejections
) -> Iterator[Task]:
    """Yield the tasks that are not stored yet; reject broken ones, duplicates and contaminated ones on the way."""
    from pipeline.sources.suites import corpus_of

    corpus = corpus_of(config) if config else Corpus({})
    store, seen = context.store, Counter[str]()
    for item in found:
        task = item.task if isinstance(item, Broken) else item
        seen[task.id] += 1
        if seen[task.id] > 1:
            store.reject(f"{task.id}/{seen[task.id]}", to_row(task), "duplicate")
        elif task.id in store:
            continue
        elif isinstance(item, Broken):
            rejections.add(task.id, task, item.reason, f"{item.reason}: {item.detail}")
        elif config and (counterpart := _counterpart(task, corpus, config.max_similarity)):
            near = {"counterpart": counterpart.name, "similarity": counterpart.similarity}
            store.append(f"{task.id}/near", {"task_id": task.id, "task": task.name, **near}, COUNTERPARTS)
            detail = f"contaminated: similarity {counterpart.similarity:.2f} to {counterpart.name}"
            rejections.add(task.id, task, "contaminated", detail)
        else:
            yield task


def _counterpart(task: Task, corpus: Corpus, most: float) -> Nearest | None:
    """Return the member that a task is too similar to, None if there is none."""
    closest = nearest(normal_form(task.reference), corpus)
    return closest if closest and closest.similarity > most else None


def _stats(context: StageContext) -> dict[str, Any]:
    rows = list(context.store.rows())
    stats: dict[str, Any] = {"tasks": len(rows)}
    for column in ("split", "category", "level", "source"):
        stats[f"by_{column}"] = dict(Counter(str(row[column]) for row in rows).most_common())
    stats["by_reason"] = dict(Counter(row["reason"] for row in context.store.rows(REJECTED)).most_common())
    return stats
