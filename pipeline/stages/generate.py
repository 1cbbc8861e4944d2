"""Have a teacher write kernels: several samples per training task, each a rollout of one or more turns."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.agent import budget
from pipeline.agent.budget import AdaptiveConfig
from pipeline.agent.engine import RolloutResults, run_rollouts
from pipeline.agent.evolve import EvolveConfig, evolve
from pipeline.agent.figures import evolution_figures, review_figures
from pipeline.agent.jobs import Rollout, difficulties, key, phases, rollouts, units_done
from pipeline.agent.loop import Helpers, RolloutConfig, request_seed, rollout
from pipeline.agent.own_prompts import OwnPrompts
from pipeline.agent.prompting import Prompts
from pipeline.agent.verdicts import Judging, RememberingJudge
from pipeline.agent.verifiers import Verifiers, VerifiersConfig
from pipeline.errors import InfrastructureError, UserError
from pipeline.executors import open_judge
from pipeline.records import Candidate, Task
from pipeline.section import Section, throughput
from pipeline.stages import StageContext
from pipeline.store import REJECTED
from pipeline.tables import from_row, schema_of, to_row
from pipeline.teachers import Teacher, openai
from pipeline.teachers.ensemble import EnsembleTeacher
from pipeline.teachers.journal import Budget, Journal
from pipeline.teachers.making import TeacherConfig, make, members
from pipeline.teachers.making import check as check_teacher

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

SCHEMA = schema_of(Candidate)
PASSES = 2  # what got no answer is asked for once more at the end, when a server may have recovered


class TranslateConfig(Section):
    """From torch to CUDA: independent rollouts, each shown what was wrong with its last answer."""

    kind: Literal["translate"] = "translate"


class GenerateConfig(RolloutConfig):
    """Who writes kernels, and how many: ``samples_per_task`` rollouts of at most ``max_turns`` answers each.

    That is ``mode: {kind: translate}``, the default; in ``mode: {kind: evolve, ...}`` proposals and generations are
    the mode's own. ``verifiers`` review a kernel before the judge does, ``adaptive`` gives easy tasks less and hard
    ones more.

    ``prompts`` is a folder whose files replace the templates of ``pipeline/agent/prompts`` that have their names, for
    all that is asked in this recipe, evaluation included; ``gpu`` names the GPU that the kernels are for.

    ``concurrency`` bounds the requests in flight, ``judge_queue`` the rollouts beside them that wait for a verdict:
    where the judge can't keep up, no more is asked for. When the ``budget`` is spent, the stage ends with what it
    has; with a larger one it is made anew, from the replies that were paid for, and goes on.
    """

    teacher: TeacherConfig
    samples_per_task: int = Field(default=1, ge=1, le=9999)
    mode: Annotated[TranslateConfig | EvolveConfig, Field(discriminator="kind")] = TranslateConfig()
    verifiers: VerifiersConfig | None = None
    adaptive: AdaptiveConfig | None = None
    prompts: OwnPrompts | None = None
    gpu: str | None = Field(default=None, min_length=1)
    budget: Budget = Budget()
    concurrency: int = throughput(64, ge=1)
    judge_queue: int = throughput(64, ge=0)

    @model_validator(mode="after")
    def _dollars_need_prices(self) -> Self:
        reviewers = (self.verifiers.teacher,) if self.verifiers and self.verifiers.teacher else ()
        asked = (self.teacher, *reviewers)
        paid = [m for teacher in asked for m in members(teacher) if isinstance(m, openai.Config)]
        if self.budget.dollars is not None and not (paid and all(m.price for m in paid)):
            raise ValueError("a budget in dollars needs the price of every teacher: teacher.price")
        return self

    @model_validator(mode="after")
    def _the_mode_has_its_own_numbers(self) -> Self:
        taken = self.model_fields_set & {"samples_per_task", "max_turns"}
        if isinstance(self.mode, EvolveConfig) and taken:
            raise ValueError(f"{min(taken)} is translate's; evolve has mode.proposals and mode.generations")
        return self

    @property
    def asked(self) -> Prompts:
        """What is asked with."""
        return Prompts(self.prompts.replaced if self.prompts else (), self.gpu)

    @property
    def units(self) -> int:
        """What a task gets on average: samples in translate, generations in evolve."""
        return self.mode.generations if isinstance(self.mode, EvolveConfig) else self.samples_per_task

    @property
    def judges(self) -> bool:
        """Whether anything is judged here."""
        return isinstance(self.mode, EvolveConfig) or self.max_turns > 1


def check(recipe: "Recipe") -> None:
    """See whether the teachers can be asked; see ``pipeline.checks``."""
    config = recipe.generate
    if config is not None:
        check_teacher(config.teacher)
        if config.verifiers is not None and config.verifiers.teacher is not None:
            check_teacher(config.verifiers.teacher)


def run(context: StageContext) -> dict[str, Any]:
    """Write a row per candidate, keyed by task, sample and turn; return counts by status and turn, and the ledger.

    Only tasks of split ``train`` are posed. A request that the server refuses for its content is a rejected row.
    Every request is a line of ``requests.jsonl``.

    Raises:
        UserError: the teacher can't answer at all, or some requests got no answer; the next run asks those again.
        InfrastructureError: the judge failed; the next run goes on from there.
    """
    config = context.recipe.generate
    if config is None:
        raise UserError("the recipe has no section 'generate'")
    n_tasks = sum(1 for _ in _train_tasks(context))
    if n_tasks == 0:
        raise UserError("generate: no task is of split 'train'")
    total = n_tasks * config.units
    executor, judge_config = context.recipe.executor, context.recipe.judge
    if not config.judges:
        judge_config = judge_config.model_copy(update={"backend": "none"})
    with _journal(context, config) as journal:
        teacher = make(config.teacher, journal, executor)
        context.progress.start(total, units_done(context.store, config, lambda: _train_tasks(context)))
        context.progress.tally.watch(lambda: (journal.spent.tokens, journal.spent.dollars))
        with open_judge(executor, judge_config) as judge:
            results = asyncio.run(generate(context, config, teacher, judge, journal))
        stats = {"requests": journal.spent.figures()}
    _note_refused(context, teacher, results)
    if results.owed:
        fault = results.owed[0][1]
        if isinstance(fault, InfrastructureError):
            raise fault
        raise UserError(
            f"generate: {len(results.owed)} of {total} rollouts got no answer; what was answered is kept, run the "
            f"same command again for the rest. The first: {fault}"
        )
    if results.cut_short:
        stats["budget"] = {"spent": str(results.cut_short), "rollouts_begun": _begun(context)}
        context.progress.say(f"{results.cut_short}; {_begun(context)} of {total} rollouts were begun")
    return _stats(context) | stats | _figures_of_the_mode(context, config)


async def generate(
    context: StageContext, config: GenerateConfig, teacher: Teacher, judge: Judging, journal: Journal
) -> RolloutResults[Rollout]:
    """Run all rollouts that are not finished, store their candidates, and return how the rollouts ended."""
    tally = context.progress.tally
    seed = context.recipe.seed

    def keep(candidate: Candidate) -> None:
        context.store.append(key(candidate.task_id, candidate.sample, candidate.turn), to_row(candidate))
        tally.answered(with_code=candidate.code is not None)

    def ended(job: Rollout) -> None:
        context.progress.advance(job.units)

    reviewer = teacher
    if config.verifiers and config.verifiers.teacher:
        reviewer = make(config.verifiers.teacher, journal, context.recipe.executor)
    with ExitStack() as stack:
        remembering = stack.enter_context(RememberingJudge(judge, context.store.directory, tally.judged))
        verifiers = None
        if config.verifiers is not None:
            verifiers = stack.enter_context(
                Verifiers(config.verifiers, reviewer, context.store.directory, config.asked)
            )
        helpers = Helpers(teacher, remembering, verifiers, seed, config.asked)

        def start(job: Rollout) -> AsyncIterator[Candidate]:
            if isinstance(config.mode, EvolveConfig):
                return evolve(job.task, helpers, job.earlier, config.mode, job.until)
            own = helpers._replace(teacher=_asked(teacher, job, seed))
            return rollout(job.task, job.sample, own, job.earlier, config)

        try:
            return await _run_phases(context, config, start, keep, ended)
        finally:
            await teacher.close()
            if reviewer is not teacher:
                await reviewer.close()


async def _run_phases(
    context: StageContext,
    config: GenerateConfig,
    start: Callable[[Rollout], AsyncIterator[Candidate]],
    keep: Callable[[Candidate], None],
    ended: Callable[[Rollout], None],
) -> RolloutResults[Rollout]:
    """Run phase after phase, what is owed in each once more; a phase that leaves something owed is the last one."""

    def tasks() -> Iterator[Task]:
        return _train_tasks(context)

    results: RolloutResults[Rollout] = RolloutResults()
    workers = config.concurrency + (config.judge_queue if config.judges else 0)
    for phase in phases(context.store, config, tasks, workers):
        for _ in range(PASSES):
            owed = {(job.task.id, job.sample) for job, _ in results.owed}
            refused = {(job.task.id, job.sample) for job, _ in results.refused}
            unfinished = rollouts(context.store, config, tasks, phase, owed)
            jobs = (job for job in unfinished if (job.task.id, job.sample) not in refused)
            latest = await run_rollouts(jobs, start, keep, ended, workers)
            latest.finished += results.finished
            latest.refused = results.refused + latest.refused
            results = latest
            if not results.owed or not results.finished:
                break
        if results.owed or results.cut_short:
            break
    return results


def _train_tasks(context: StageContext) -> Iterator[Task]:
    return (from_row(Task, row) for row in context.read("tasks") if row["split"] == "train")


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
    """Return how many units have at least one candidate."""
    config = context.recipe.generate
    evolves = config is not None and isinstance(config.mode, EvolveConfig)
    return len({(row["task_id"], row["turn" if evolves else "sample"]) for row in context.store.rows()})


def _note_refused(context: StageContext, teacher: Teacher, results: RolloutResults[Rollout]) -> None:
    """Reject what the server refused. If it answered nothing at all, the requests are at fault, not their content."""
    if results.refused and not len(context.store):
        raise UserError(f"generate: the teacher refuses every request: {results.refused[0][1]}")
    for job, _ in results.refused:
        turn = next(t for t in itertools.count() if key(job.task.id, job.sample, t) not in context.store)
        row = {
            "task_id": job.task.id,
            "sample": job.sample,
            "turn": turn,
            "teacher": _asked(teacher, job, context.recipe.seed).name,
        }
        context.store.reject(key(job.task.id, job.sample, turn), row, "refused")


def _figures_of_the_mode(context: StageContext, config: GenerateConfig) -> dict[str, Any]:
    """Return what evolution, reviews and the adaptive budget add to the stage's stats."""
    found: dict[str, Any] = {}
    if isinstance(config.mode, EvolveConfig):
        found["evolution"] = evolution_figures(context.store)
    if config.verifiers is not None:
        found["verifiers"] = review_figures(context.store.directory, config.verifiers)
    if config.adaptive is not None:
        bins = difficulties(context.store, config, lambda: _train_tasks(context))
        found["difficulty"] = budget.figures(bins, budget.divide(bins, config.units, config.adaptive))
    return found


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
