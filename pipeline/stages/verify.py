"""Judge every candidate; the verdict on each is kept, whatever it is."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple

import pyarrow as pa

from pipeline.agent.verdicts import Judging, without_code
from pipeline.executors import open_judge
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.records import Candidate, Task, Verdict
from pipeline.stages import StageContext
from pipeline.store import read_manifest
from pipeline.tables import from_row, schema_of, to_row

SCHEMA = schema_of(Verdict, task_id=pa.string(), sample=pa.int64(), turn=pa.int64())


class Pair(NamedTuple):
    """A task, a candidate for it, and the module that the candidate's answer holds."""

    task: Task
    candidate: Candidate
    code: str


def run(context: StageContext) -> dict[str, Any]:
    """Write a verdict per candidate, keyed by the candidate's id; return counts by status, reason and turn.

    Raises:
        InfrastructureError: the judge failed on some candidates; the next run judges those again.
    """
    progress = context.progress
    progress.start((read_manifest(context.out / "generate") or {}).get("rows"), done=len(context.store))
    with open_judge(context.recipe.executor, context.recipe.judge) as judge:

        def submit(pair: Pair) -> Future[Verdict]:
            return judge.submit(pair.task, pair.code, pair.candidate.id)

        limit = IN_FLIGHT_PER_WORKER * judge.workers
        for pair, future in as_finished(_with_code(context, judge), submit, limit):
            verdict = future.result()
            _keep(context, pair.candidate, verdict)
            progress.tally.judged(verdict)
            progress.advance()
    return _stats(context)


def _with_code(context: StageContext, judge: Judging) -> Iterator[Pair]:
    """Yield the candidates to judge, those of a task next to each other; decide on those without code at once."""
    tasks = {row["id"]: from_row(Task, row) for row in context.read("tasks")}
    for row in context.read("generate"):
        if row["id"] in context.store:
            continue
        candidate = from_row(Candidate, row)
        if candidate.code is None:
            _keep(context, candidate, without_code(candidate, judge))
            context.progress.advance()
        else:
            yield Pair(tasks[candidate.task_id], candidate, candidate.code)


def _keep(context: StageContext, candidate: Candidate, verdict: Verdict) -> None:
    place = {"task_id": candidate.task_id, "sample": candidate.sample, "turn": candidate.turn}
    context.store.append(candidate.id, {**to_row(verdict), **place})


def _stats(context: StageContext) -> dict[str, Any]:
    statuses, reasons, turns, accepted = Counter[str](), Counter[str](), Counter[int](), Counter[int]()
    solved: set[str] = set()
    for row in context.store.rows():
        statuses[row["status"]] += 1
        turns[row["turn"]] += 1
        if row["accepted"]:
            accepted[row["turn"]] += 1
            solved.add(row["task_id"])
        else:
            reasons[row["reason"]] += 1
    return {
        "candidates": statuses.total(),
        "tasks_solved": len(solved),
        "by_status": dict(statuses.most_common()),
        "by_reason": dict(reasons.most_common()),
        "by_turn": {str(t): {"candidates": turns[t], "correct": accepted[t]} for t in sorted(turns)},
    }
