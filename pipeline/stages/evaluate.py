"""evaluate: has the untrained model and the student write kernels for the held-out tasks, and judges them.

Answers are written in fixed chunks of one model, one sample index and ``batch_size`` tasks. An interrupted run
writes a chunk that is not complete again as a whole, with the same seeds and so the same answers.
"""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pyarrow as pa
from pydantic import Field, model_validator

from pipeline.agent.loop import answered, request_seed
from pipeline.agent.prompting import translate
from pipeline.errors import RefusedError, TeacherError, UserError
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.records import Candidate, Message, Task, Verdict, content_hash
from pipeline.section import Section, throughput
from pipeline.stages import StageContext
from pipeline.store import write_json
from pipeline.tables import from_row, schema_of, to_row
from pipeline.teachers import Reply, Teacher, transformers
from pipeline.teachers.making import TeacherConfig, make

if TYPE_CHECKING:
    from pipeline.agent.verdicts import Judging

SCHEMA = schema_of(
    Candidate,
    model=pa.string(),
    category=pa.string(),
    verdict_status=pa.string(),
    reason=pa.string(),
    detail=pa.string(),
    accepted=pa.bool_(),
    speedup=pa.float64(),
)
TRAINED = ("untrained", "student")  # folders of the train stage
SUITE = "heldout"


class EvaluateConfig(Section):
    """How models are asked and what is computed from their verdicts.

    ``models`` adds others to the untrained model and the student, each a ``teacher`` section under a name. ``limit``
    takes that many tasks. pass@k is estimated from ``samples_per_task`` samples and fast_p for the thresholds
    ``fast_p``; intervals come from ``resamples`` bootstrap resamples of the tasks. ``batch_size`` conversations are
    answered at once; to change it between two halves of one evaluation may change single answers through rounding.
    """

    models: dict[str, TeacherConfig] = Field(default_factory=dict)
    limit: int | None = Field(None, ge=1)
    samples_per_task: int = Field(4, ge=1, le=9999)
    k: tuple[int, ...] = (1, 4)
    temperature: float = Field(0.6, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(4096, ge=1)
    fast_p: tuple[float, ...] = (1.0, 1.5, 2.0)
    resamples: int = Field(1000, ge=1)
    batch_size: int = throughput(64, ge=1)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if not self.k or not all(1 <= k <= self.samples_per_task for k in self.k):
            raise ValueError(f"each k must be from 1 to samples_per_task ({self.samples_per_task}), given {self.k}")
        if taken := self.models.keys() & set(TRAINED):
            raise ValueError(f"models.{min(taken)} is the name of a model that is evaluated anyway")
        return self


class Question(NamedTuple):
    """An answer that holds a module and waits for its verdict."""

    model: str
    task: Task
    candidate: Candidate
    code: str


class Outcome(NamedTuple):
    """What a row says about the verdict."""

    verdict_status: str
    reason: str | None
    detail: str | None
    accepted: bool
    speedup: float | None


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per model, task and sample, results.json and report.html; return the headline figures.

    Raises:
        UserError: there is no held-out task, or a model can't answer.
        InfrastructureError: the judge failed on some answers; the next run judges those again.
    """
    from pipeline.judge.judge import Judge

    with Judge(context.recipe.judge, context.recipe.seed) as judge:
        return Evaluation(context, judge, IN_FLIGHT_PER_WORKER * judge.workers).run()


class Evaluation:
    """One run of the stage with a judge, which gets at most ``in_flight`` answers at a time."""

    def __init__(self, context: StageContext, judge: "Judging", in_flight: int) -> None:
        if context.recipe.evaluate is None:
            raise UserError("the recipe has no section 'evaluate'")
        self.context = context
        self.config: EvaluateConfig = context.recipe.evaluate
        self.judge = judge
        self.in_flight = in_flight
        self.tasks = self._tasks()
        # Models repeat themselves: an answer that was judged for this task already is not judged again.
        self.known: dict[tuple[str, str], Outcome] = {}
        self.unanswered: list[TeacherError] = []
        self.accepted = 0

    def run(self) -> dict[str, Any]:
        """See the module's ``run``."""
        store = self.context.store
        for row in store.rows():
            if row["code"] is not None:
                self.known[row["task_id"], content_hash(row["code"])] = Outcome(*(row[f] for f in Outcome._fields))
        models = (*TRAINED, *self.config.models)
        total = len(models) * len(self.tasks) * self.config.samples_per_task
        self.context.progress.start(total, len(store))
        with asyncio.Runner() as runner:
            for model in models:
                self.accepted = sum(row["accepted"] for row in store.rows() if row["model"] == model)
                self._evaluate(model, runner)
        if self.unanswered:
            raise UserError(
                f"evaluate: {len(self.unanswered)} of {total} requests got no answer; run the same command again for "
                f"the rest. The first: {self.unanswered[0]}"
            )
        return self._results()

    def _tasks(self) -> list[Task]:
        """Return the held-out tasks in the order of their ids, which is random but the same every time."""
        rows = (row for row in self.context.read("tasks") if row["split"] == "heldout")
        tasks = sorted((from_row(Task, row) for row in rows), key=lambda task: task.id)[: self.config.limit]
        if not tasks:
            raise UserError("evaluate: no task is of split 'heldout'")
        return tasks

    def _evaluate(self, model: str, runner: asyncio.Runner) -> None:
        chunks = list(self._chunks(model))
        if not chunks:
            return
        teacher = self._teacher(model)
        try:
            questions = self._questions(model, teacher, chunks, runner)
            for question, future in as_finished(questions, self._submit, self.in_flight):
                outcome = _outcome(future.result())
                self.known[question.task.id, content_hash(question.code)] = outcome
                self._keep(question.model, question.task, question.candidate, outcome)
        finally:
            runner.run(teacher.close())

    def _teacher(self, model: str) -> Teacher:
        if model not in TRAINED:
            return make(self.config.models[model])
        return transformers.TransformersTeacher(
            transformers.Config(
                kind="transformers",
                model=str(self.context.out / "train" / model),
                temperature=self.config.temperature,
                top_p=self.config.top_p,
                max_new_tokens=self.config.max_new_tokens,
                batch_size=self.config.batch_size,
            )
        )

    def _chunks(self, model: str) -> Iterator[tuple[int, list[Task]]]:
        """Yield the chunks, a sample index and tasks each, that lack a row."""
        size = self.config.batch_size
        for sample in range(self.config.samples_per_task):
            for start in range(0, len(self.tasks), size):
                chunk = self.tasks[start : start + size]
                if any(key(model, task, sample) not in self.context.store for task in chunk):
                    yield sample, chunk

    def _questions(
        self, model: str, teacher: Teacher, chunks: Iterable[tuple[int, list[Task]]], runner: asyncio.Runner
    ) -> Iterator[Question]:
        """Have chunk after chunk answered, and yield what must be judged; the judge is at work meanwhile."""
        for sample, tasks in chunks:
            conversations = [translate(task) for task in tasks]
            seeds = [request_seed(self.context.recipe.seed, task.id, sample, 0) for task in tasks]
            replies = _answers(teacher, conversations, seeds, runner)
            for task, messages, reply in zip(tasks, conversations, replies, strict=True):
                if isinstance(reply, TeacherError):
                    self.unanswered.append(reply)
                    continue
                candidate = answered(task, sample, model, (), messages, reply)
                if key(model, task, sample) in self.context.store:
                    continue
                if candidate.code is None:
                    self._keep(model, task, candidate, Outcome("malformed", candidate.status, None, False, None))
                elif outcome := self.known.get((task.id, content_hash(candidate.code))):
                    self._keep(model, task, candidate, outcome)
                else:
                    yield Question(model, task, candidate, candidate.code)

    def _submit(self, question: Question) -> Future[Verdict]:
        return self.judge.submit(question.task, question.code, question.candidate.id)

    def _keep(self, model: str, task: Task, candidate: Candidate, outcome: Outcome) -> None:
        row = {**to_row(candidate), **outcome._asdict(), "model": model, "category": task.category}
        self.context.store.append(key(model, task, candidate.sample), row)
        self.accepted += outcome.accepted
        self.context.progress.advance(note=f"{model}: {self.accepted} correct")

    def _results(self) -> dict[str, Any]:
        from eval.report import write
        from eval.results import Plan, Row, results

        config, store = self.config, self.context.store
        rows = [Row(r["model"], r["task_id"], r["category"], r["verdict_status"], r["speedup"]) for r in store.rows()]
        order = (*TRAINED, *config.models)
        rows.sort(key=lambda row: order.index(row.model))
        plan = Plan(SUITE, config.k, config.fast_p, config.resamples, self.context.recipe.seed)
        found = results(rows, plan)
        write_json(store.directory / "results.json", found)
        write(self.context.out, store.rows())
        wanted = ("n_tasks", "samples_per_task", "compile_rate", "pass_at_k", "fast_p", "statuses")
        return {model: {name: figures[name] for name in wanted} for model, figures in found["models"].items()}


def key(model: str, task: Task, sample: int) -> str:
    """Return the key of a row in the store."""
    return f"{model}/{task.id}/{sample:04d}"


def _answers(
    teacher: Teacher, conversations: list[tuple[Message, ...]], seeds: list[int], runner: asyncio.Runner
) -> list[Reply | TeacherError]:
    """Return an answer or a failure for each conversation. A refusal is an answer: an empty one."""
    if isinstance(teacher, transformers.TransformersTeacher):
        return list(teacher.answer(conversations, seeds))

    async def ask(messages: tuple[Message, ...], seed: int) -> Reply | TeacherError:
        try:
            return await teacher.complete(messages, seed)
        except RefusedError:
            return Reply("", None, "refused", None, None)
        except TeacherError as error:
            return error

    async def ask_all() -> list[Reply | TeacherError]:
        return await asyncio.gather(*(ask(m, s) for m, s in zip(conversations, seeds, strict=True)))

    return runner.run(ask_all())


def _outcome(verdict: Verdict) -> Outcome:
    """Return what a row says about a verdict."""
    speedup = verdict.timing.speedup if verdict.timing else None
    return Outcome(verdict.status, verdict.reason, verdict.detail, verdict.accepted, speedup)
