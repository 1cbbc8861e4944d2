"""evaluate: has models write kernels for the held-out tasks, or those of a suite, and judges them.

Answers are written in fixed chunks of one model, one sample index and ``batch_size`` tasks. An interrupted run
writes a chunk that is not complete again as a whole, with the same seeds and so the same answers; what was paid for
is in the stage's journal, and what was judged in its ``verdicts*.jsonl``, so neither is asked for twice.
"""

import asyncio
import functools
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from eval import executing, kernels, trials
from eval.answers import (
    DECISION_COLUMNS,
    SCORE_COLUMNS,
    Decision,
    Question,
    decision_of,
    figures_row,
    finished_kernel,
    reasoning_tokens,
)
from eval.asking import answers, teacher_of
from eval.config import EvaluateConfig
from eval.judges import JudgeByPolicy
from eval.probing import TABLE, left_out, usable
from eval.suite import HELDOUT
from pipeline.agent.loop import Helpers, answered, request_seed
from pipeline.agent.prompting import SHIPPED, translate
from pipeline.agent.verdicts import NAME as VERDICTS
from pipeline.agent.verdicts import RememberingJudge
from pipeline.errors import TeacherError, UserError
from pipeline.executors import AnyJudge, open_judge
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.judge.config import Policy
from pipeline.records import Candidate, Task, Verdict, content_hash
from pipeline.stages import StageContext
from pipeline.store import write_json
from pipeline.tables import from_row, schema_of, to_row
from pipeline.teachers import Teacher
from pipeline.teachers.journal import Journal
from pipeline.teachers.logprobs import UNKNOWN, Scored
from pipeline.teachers.making import check as check_teacher

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

SCHEMA = schema_of(
    Candidate,
    model=pa.string(),
    category=pa.string(),
    **DECISION_COLUMNS,
    reasoning_tokens=pa.int64(),
    **SCORE_COLUMNS,
)
FURTHER = {TABLE: schema_of(Task), trials.TABLE: trials.SCHEMA, executing.TABLE: executing.SCHEMA}


def check(recipe: "Recipe") -> None:
    """See whether there can be tasks, and whether the models can be asked; see ``pipeline.checks``."""
    if recipe.evaluate is None:
        return
    config, suite = recipe.evaluate.resolved()
    if suite is None and recipe.tasks is not None and recipe.tasks.holds_out_none:
        key = recipe.tasks.heldout_key
        raise UserError(f"{key}: is 0, so there is nothing for evaluate.suite {HELDOUT!r} to evaluate on")
    for model in config.models.values():
        if isinstance(model, kernels.Config):
            kernels.look(model)
        else:
            check_teacher(model)


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per model, task and sample, results.json and report.html; return the headline figures.

    Raises:
        UserError: there is no task, or a model can't answer.
        InfrastructureError: the judge failed on some answers; the next run judges those again.
    """
    recipe = context.recipe
    if recipe.evaluate is None:
        raise UserError("the recipe has no section 'evaluate'")
    config, suite = recipe.evaluate.resolved()
    with open_judge(recipe.executor, recipe.judge) as judge:
        in_flight = IN_FLIGHT_PER_WORKER * judge.workers
        tasks = usable(context, judge, suite, config.limit, in_flight) if suite else heldout(context, config.limit)
        return Evaluation(context, config, tasks, judge, in_flight).run(suite.name if suite else HELDOUT)


def heldout(context: StageContext, limit: int | None) -> list[Task]:
    """Return the held-out tasks in the order of their ids, which is random but the same every time.

    Raises:
        UserError: there is none.
    """
    rows = (row for row in context.read("tasks") if row["split"] == "heldout")
    tasks = sorted((from_row(Task, row) for row in rows), key=lambda task: task.id)[:limit]
    if not tasks:
        raise UserError("evaluate: no task is of split 'heldout'")
    return tasks


class Evaluation:
    """One run of the stage with a judge that gets at most ``in_flight`` answers at a time."""

    def __init__(
        self,
        context: StageContext,
        config: EvaluateConfig,
        tasks: list[Task],
        judge: AnyJudge,
        in_flight: int,
    ) -> None:
        self.context = context
        self.config = config
        self.tasks = tasks
        self.judge = judge
        self.judge_by = functools.cache(self._remembering)
        self.in_flight = in_flight
        self.prompts = context.recipe.generate.asked if context.recipe.generate else SHIPPED
        self.models: tuple[str, ...] = (*config.trained, *config.models)
        # Models repeat themselves: an answer that was judged for this task already is not judged again.
        self.known: dict[tuple[Policy, str, str], Decision] = {}
        self.unanswered: list[TeacherError] = []
        self.accepted = 0
        self.open = ExitStack()

    def run(self, suite: str) -> dict[str, Any]:
        """See the module's ``run``; ``suite`` is the name in the results."""
        store = self.context.store
        written = 0
        for row in store.rows():
            written += 1
            if row["code"] is not None:
                decision = Decision(*(row[f] for f in Decision._fields))
                self.known[self._policy(row["model"]), row["task_id"], content_hash(row["code"])] = decision
        finished = {m: self._finished(m, c) for m, c in self.config.models.items() if isinstance(c, kernels.Config)}
        asked = [model for model in self.models if model not in finished]
        total = len(asked) * len(self.tasks) * self.config.samples_per_task
        n_trials = len(asked) * len(self.tasks) * len(self.config.strategies)
        self.context.progress.start(total + sum(map(len, finished.values())) + n_trials, written)
        # The runner is closed first: what its tasks use is there until they have ended.
        with self.open, asyncio.Runner() as runner:
            journal = self.open.enter_context(self._journal())
            for model in self.models:
                self.accepted = sum(row["accepted"] for row in store.rows() if row["model"] == model)
                if model in finished:
                    self._judge(model, self._waiting(model, finished[model]))
                else:
                    self._evaluate(model, journal, runner)
        if self.unanswered:
            raise UserError(
                f"evaluate: {len(self.unanswered)} of {total + n_trials} requests got no answer; run the same "
                f"command again for the rest. The first: {self.unanswered[0]}"
            )
        if self.config.outputs:
            shared = (self.config.outputs, self.in_flight, self.context.progress)
            executing.gather(store, self.tasks, self._policy, self.judge, *shared)
        return self._results(suite)

    def _journal(self) -> Journal:
        """Open the stage's journal; what runs that were set aside have paid for is not asked again."""
        earlier = sorted((self.context.out / "superseded").glob("evaluate-*"))
        return Journal(self.context.store.directory, earlier, slots=self.config.batch_size)

    def _remembering(self, policy: Policy) -> RememberingJudge:
        name = VERDICTS if policy == self.context.recipe.judge.policy else f"verdicts-{policy}.jsonl"
        judge = JudgeByPolicy(self.judge, policy)
        return self.open.enter_context(RememberingJudge(judge, self.context.store.directory, name=name))

    def _policy(self, model: str) -> Policy:
        config = self.config.models.get(model)
        return config.policy if isinstance(config, kernels.Config) else self.context.recipe.judge.policy

    def _finished(self, model: str, config: kernels.Config) -> list[tuple[Task, Candidate]]:
        """Return what others' model wrote, as candidates; a missing kernel is one without code."""
        codes, others = kernels.read(config, self.tasks)
        if others:
            self.context.progress.say(f"{model}: {others} kernels are for no task of this suite")
        pairs = ((task, sample, code) for task in self.tasks for sample, code in enumerate(codes[task.id]))
        return [(task, finished_kernel(task, sample, model, code)) for task, sample, code in pairs]

    def _waiting(self, model: str, finished: list[tuple[Task, Candidate]]) -> Iterator[Question]:
        for task, candidate in finished:
            if key(model, task, candidate.sample) not in self.context.store:
                yield from self._question(model, task, candidate, UNKNOWN)

    def _evaluate(self, model: str, journal: Journal, runner: asyncio.Runner) -> None:
        chunks = list(self._chunks(model))
        if not chunks and not self.config.strategies:
            return
        teacher = teacher_of(model, self.config, self.context.out, journal, self.context.recipe.executor)
        try:
            self._judge(model, self._questions(model, teacher, chunks, runner))
            if self.config.strategy_tokens is not None:
                self._try_strategies(model, teacher, self.config.strategy_tokens, runner)
        finally:
            runner.run(teacher.close())

    def _try_strategies(self, model: str, teacher: Teacher, budget: int, runner: asyncio.Runner) -> None:
        policy = self._policy(model)
        helpers = Helpers(teacher, self.judge_by(policy), None, self.context.recipe.seed, self.prompts)
        own = {(task_id, code): found for (by, task_id, code), found in self.known.items() if by == policy}
        tried = trials.Trials(self.context.store, model, helpers, budget, own, self.context.progress.advance)
        wanted = trials.trials(self.config.strategies, self.tasks)
        self.unanswered += runner.run(tried.run(wanted, self.config.batch_size))

    def _judge(self, model: str, questions: Iterator[Question]) -> None:
        policy = self._policy(model)

        def submit(question: Question) -> Future[Verdict]:
            return self.judge_by(policy).submit(question.task, question.code, question.candidate.id)

        for question, future in as_finished(questions, submit, self.in_flight):
            decision = decision_of(future.result())
            self.known[policy, question.task.id, content_hash(question.code)] = decision
            self._keep(question.model, question.task, question.candidate, decision, question.score)

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
            conversations = [translate(task, self.prompts) for task in tasks]
            seeds = [request_seed(self.context.recipe.seed, task.id, sample, 0) for task in tasks]
            replies = answers(teacher, conversations, seeds, runner)
            for task, messages, reply in zip(tasks, conversations, replies, strict=True):
                if isinstance(reply, TeacherError):
                    self.unanswered.append(reply)
                    continue
                candidate = answered(task, sample, model, (), messages, reply)
                if key(model, task, sample) not in self.context.store:
                    score = Scored(reply.log_probability, reply.scored_tokens)
                    yield from self._question(model, task, candidate, score)

    def _question(self, model: str, task: Task, candidate: Candidate, score: Scored) -> Iterator[Question]:
        """Yield the answer if it must be judged; keep it at once if its decision is known."""
        if candidate.code is None:
            self._keep(model, task, candidate, Decision("malformed", candidate.status, None, False, None), score)
        elif decision := self.known.get((self._policy(model), task.id, content_hash(candidate.code))):
            self._keep(model, task, candidate, decision, score)
        else:
            yield Question(model, task, candidate, candidate.code, score)

    def _keep(self, model: str, task: Task, candidate: Candidate, decision: Decision, score: Scored) -> None:
        about = {"model": model, "category": task.category, "reasoning_tokens": reasoning_tokens(candidate)}
        row = {**to_row(candidate), **decision._asdict(), **about, **score._asdict()}
        self.context.store.append(key(model, task, candidate.sample), row)
        self.accepted += decision.accepted
        self.context.progress.advance(note=f"{model}: {self.accepted} correct")

    def _results(self, suite: str) -> dict[str, Any]:
        from eval.figures import Plan
        from eval.report import write
        from eval.results import results
        from eval.strategy_figures import answers_of, strategy_results

        config, store = self.config, self.context.store
        names = {task.id: task.name for task in self.tasks}
        kept = list(store.rows())
        classes = executing.classes_of(kept, store.rows(executing.TABLE), self._policy)
        rows = [figures_row(r, names[r["task_id"]], own) for r, own in zip(kept, classes, strict=True)]
        rows.sort(key=lambda row: self.models.index(row.model))
        seed = self.context.recipe.seed
        error = {name: (known.wrong, known.of) for name, known in config.judge_error or ()}
        wanted = (config.token_budgets, config.prices, config.intervals, error)
        found = results(rows, Plan(suite, config.k, config.fast_p, config.resamples, seed, *wanted))
        if config.strategy_tokens is not None:
            tried = answers_of(store.rows(trials.TABLE))
            found["strategies"] = strategy_results(tried, config.strategy_tokens, config.resamples, seed)
        found["policies"] = {model: self._policy(model) for model in self.models}
        if suite != HELDOUT:
            found["left_out"] = left_out(self.context)
        write_json(store.directory / "results.json", found)
        write(self.context.out, store.rows(), {task.id: to_row(task) for task in self.tasks})
        shown = ("n_tasks", "samples_per_task", "compile_rate", "pass_at_k", "fast_p", "statuses")
        return {model: {name: figures[name] for name in shown} for model, figures in found["models"].items()}


def key(model: str, task: Task, sample: int) -> str:
    """Return the key of a row in the store."""
    return f"{model}/{task.id}/{sample:04d}"
