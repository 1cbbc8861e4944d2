"""Have a teacher write kernels: several samples per training task, each a rollout of one or more turns."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from pipeline.agent.engine import Outcome, run_rollouts
from pipeline.agent.loop import Judging, RolloutConfig, request_seed, rollout
from pipeline.errors import InfrastructureError, UserError
from pipeline.records import Candidate, Task
from pipeline.section import throughput
from pipeline.stages import StageContext
from pipeline.store import REJECTED
from pipeline.tables import from_row, schema_of, to_row
from pipeline.teachers import Teacher, openai
from pipeline.teachers.ensemble import EnsembleTeacher
from pipeline.teachers.journal import Budget, Journal
from pipeline.teachers.making import TeacherConfig, make, members

SCHEMA = schema_of(Candidate)
PASSES = 2  # what got no answer is asked for once more at the end, when a server may have recovered


class GenerateConfig(RolloutConfig):
    """Who writes kernels, and how many: ``samples_per_task`` rollouts of at most ``max_turns`` answers each.

    ``concurrency`` bounds the requests in flight, ``judge_queue`` the rollouts beside them that wait for a verdict:
    where the judge can't keep up, no more is asked for. When the ``budget`` is spent, the stage ends with what it
    has; with a larger one it is made anew, from the replies that were paid for, and goes on.
    """

    teacher: TeacherConfig
    samples_per_task: int = Field(default=1, ge=1, le=9999)
    budget: Budget = Budget()
    concurrency: int = throughput(64, ge=1)
    judge_queue: int = throughput(64, ge=0)

    @model_validator(mode="after")
    def _dollars_need_prices(self) -> Self:
        paid = [m for m in members(self.teacher) if isinstance(m, openai.Config)]
        if self.budget.dollars is not None and not (paid and all(m.price for m in paid)):
            raise ValueError("a budget in dollars needs the price of every teacher: teacher.price")
        return self


class Rollout(NamedTuple):
    """One sample of one task, with the candidates that are stored already."""

    task: Task
    sample: int
    earlier: tuple[Candidate, ...]


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per candidate, keyed by task, sample and turn; return counts by status and turn, and the ledger.

    Only tasks of split ``train`` are posed. A request that the server refuses for its content is a rejected row.
    Every request is a line of ``requests.jsonl``.

    Raises:
        UserError: the teacher can't answer at all, or some requests got no answer; the next run asks those again.
        InfrastructureError: the judge failed; the next run goes on from there.
    """
    from pipeline.judge.judge import Judge

    config = context.recipe.generate
    if config is None:
        raise UserError("the recipe has no section 'generate'")
    n_tasks = sum(1 for _ in _train_tasks(context))
    if n_tasks == 0:
        raise UserError("generate: no task is of split 'train'")
    total = n_tasks * config.samples_per_task
    last = config.max_turns - 1
    done = sum(key(t.id, n, last) in context.store for t in _train_tasks(context) for n in _samples(config))
    judge_config = context.recipe.judge
    if config.max_turns == 1:  # nothing is judged here
        judge_config = judge_config.model_copy(update={"backend": "none"})
    with _journal(context, config) as journal:
        teacher = make(config.teacher, journal)
        context.progress.start(total, done)
        with Judge(judge_config, context.recipe.seed) as judge:
            outcome = asyncio.run(generate(context, config, teacher, judge))
        stats = {"requests": journal.spent.figures()}
    _note_refused(context, teacher, outcome)
    if outcome.owed:
        fault = outcome.owed[0][1]
        if isinstance(fault, InfrastructureError):
            raise fault
        raise UserError(
            f"generate: {len(outcome.owed)} of {total} rollouts got no answer; what was answered is kept, run the "
            f"same command again for the rest. The first: {fault}"
        )
    if outcome.cut_short:
        stats["budget"] = {"spent": str(outcome.cut_short), "rollouts_begun": _begun(context)}
        context.progress.say(f"{outcome.cut_short}; {_begun(context)} of {total} rollouts were begun")
    return _stats(context) | stats


async def generate(
    context: StageContext, config: GenerateConfig, teacher: Teacher, judge: Judging
) -> Outcome[Rollout]:
    """Run all rollouts that are not finished, store their candidates, and return how the rollouts ended."""
    answers = Counter[str]()

    def start(job: Rollout) -> AsyncIterator[Candidate]:
        asked = _asked(teacher, job, context.recipe.seed)
        return rollout(job.task, job.sample, asked, judge, job.earlier, config, context.recipe.seed)

    def keep(candidate: Candidate) -> None:
        context.store.append(key(candidate.task_id, candidate.sample, candidate.turn), to_row(candidate))
        answers[candidate.status] += 1

    def ended(_: Rollout) -> None:
        context.progress.advance(note=f"{answers['complete']} of {answers.total()} answers with code")

    outcome: Outcome[Rollout] = Outcome()
    workers = config.concurrency + (config.judge_queue if config.max_turns > 1 else 0)
    try:
        for _ in range(PASSES):
            owed = {(job.task.id, job.sample) for job, _ in outcome.owed}
            latest = await run_rollouts(_rollouts(context, config, owed), start, keep, ended, workers)
            latest.finished += outcome.finished
            latest.refused = outcome.refused + latest.refused
            outcome = latest
            if not outcome.owed or not outcome.finished:
                break
    finally:
        await teacher.close()
    return outcome


def key(task_id: str, sample: int, turn: int) -> str:
    """Return a candidate's key in the store; keys sort as tasks, samples and turns do."""
    return f"{task_id}/{sample:04d}/{turn:02d}"


def _train_tasks(context: StageContext) -> Iterator[Task]:
    return (from_row(Task, row) for row in context.read("tasks") if row["split"] == "train")


def _samples(config: GenerateConfig) -> range:
    return range(config.samples_per_task)


def _rollouts(context: StageContext, config: GenerateConfig, only: set[tuple[str, int]]) -> Iterator[Rollout]:
    """Yield the rollouts that are not finished, or those of ``only`` if it is not empty.

    The first sample of every task comes before any second one: no task waits for another's samples, and a run that
    is stopped half-way, by its budget for one, has something of each.
    """
    for sample in _samples(config):
        for task in _train_tasks(context):
            if only and (task.id, sample) not in only:
                continue
            earlier = _earlier(context, config, task, sample)
            if earlier is not None:
                yield Rollout(task, sample, earlier)


def _earlier(context: StageContext, config: GenerateConfig, task: Task, sample: int) -> tuple[Candidate, ...] | None:
    """Return a rollout's stored candidates, None if it has all its turns or its last request was refused."""
    earlier: list[Candidate] = []
    for turn in range(config.max_turns):
        row = context.store.get(key(task.id, sample, turn))
        if row is None:
            return tuple(earlier)
        if "reason" in row:
            return None
        earlier.append(from_row(Candidate, row))
    return None


def _journal(context: StageContext, config: GenerateConfig) -> Journal:
    """Open the stage's journal; what runs that were set aside have paid for is not asked again."""
    earlier = sorted((context.out / "superseded").glob("generate-*"))
    return Journal(context.store.directory, earlier, config.budget, config.concurrency)


def _asked(teacher: Teacher, job: Rollout, seed: int) -> Teacher:
    """Return who answers a rollout: of an ensemble one member, the same for all turns and in every run."""
    if isinstance(teacher, EnsembleTeacher):
        return teacher.member(request_seed(seed, job.task.id, job.sample, 0))
    return teacher


def _begun(context: StageContext) -> int:
    return sum(1 for row in context.store.rows() if row["turn"] == 0)


def _note_refused(context: StageContext, teacher: Teacher, outcome: Outcome[Rollout]) -> None:
    """Reject what the server refused. If it answered nothing at all, the requests are at fault, not their content."""
    if outcome.refused and not len(context.store):
        raise UserError(f"generate: the teacher refuses every request: {outcome.refused[0][1]}")
    for job, _ in outcome.refused:
        turn = next(t for t in itertools.count() if key(job.task.id, job.sample, t) not in context.store)
        row = {
            "task_id": job.task.id,
            "sample": job.sample,
            "turn": turn,
            "teacher": _asked(teacher, job, context.recipe.seed).name,
        }
        context.store.reject(key(job.task.id, job.sample, turn), row, "refused")


def _stats(context: StageContext) -> dict[str, Any]:
    statuses, turns, finish, tokens = Counter[str](), Counter[int](), Counter[str](), Counter[str]()
    for row in context.store.rows():
        statuses[row["status"]] += 1
        turns[row["turn"]] += 1
        finish[str(row["finish_reason"])] += 1
        tokens.update({name: row[name] or 0 for name in ("prompt_tokens", "completion_tokens")})
    return {
        "candidates": statuses.total(),
        "by_status": dict(statuses.most_common()),
        "by_turn": {str(turn): turns[turn] for turn in sorted(turns)},
        "by_finish_reason": dict(finish.most_common()),
        **tokens,
        "refused": sum(1 for _ in context.store.rows(REJECTED)),
    }
