"""Evolution: generations of proposals for one task, each shown the best kernels so far and a few ideas.

After robust-kbench (arXiv 2509.14279): up to 5 right kernels sorted slow to fast, sampled hints, figures of the
profiler, an ensemble of teachers, reviews before the judge. A candidate's sample is its slot, its turn its
generation.
"""

import random
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from pipeline.agent.concurrently import as_answered, together
from pipeline.agent.hints import sample_hints
from pipeline.agent.loop import Helpers, Place, candidate_at, judged, request_seed, with_reasoning
from pipeline.agent.objective import MEANING, described, objective_of
from pipeline.agent.population import Member, Population, form, ranked
from pipeline.agent.prompting import render, repair, translate
from pipeline.agent.report import Attempt, ending
from pipeline.agent.verdicts import without_code
from pipeline.agent.verifiers import badness, doubts
from pipeline.errors import RefusedError
from pipeline.records import Candidate, Message, Task, content_hash
from pipeline.section import Section
from pipeline.teachers import Reply

MAX_FAILURES_TOLD = 4


class EvolveConfig(Section):
    """How a task's kernels evolve: ``generations`` of ``proposals`` each, so at most their product of candidates.

    ``parents``: right kernels in a prompt. ``hints``: ideas in a prompt. ``crossover``: share of the proposals that
    combine two kernels. ``patience``: generations without a better kernel after which a task ends, None: never.
    ``tokens_per_task``: no generation is begun after so many; the stage's ``budget`` holds beside it.
    """

    kind: Literal["evolve"]
    generations: int = Field(default=4, ge=1, le=99)
    proposals: int = Field(default=8, ge=1, le=999)
    parents: int = Field(default=5, ge=1, le=20)
    hints: int = Field(default=3, ge=0, le=20)
    crossover: float = Field(default=0.25, ge=0, le=1)
    patience: int | None = Field(default=None, ge=1)
    tokens_per_task: int | None = Field(default=None, ge=1)


class Proposal(NamedTuple):
    """What one slot of a generation is asked, and the candidates that are shown to it."""

    messages: tuple[Message, ...]
    parents: tuple[Candidate, ...]


async def evolve(
    task: Task, helpers: Helpers, earlier: Sequence[Candidate], config: EvolveConfig, generations: int
) -> AsyncIterator[Candidate]:
    """Yield a task's candidates, each as soon as it exists, for that many generations.

    ``earlier`` are the task's stored candidates. What is asked follows from the recipe's seed, the task, the
    generation, the slot and the verdicts before it, so a run that goes on asks what an uninterrupted one does. A
    request that is refused for its content leaves an empty candidate, unless a whole generation is refused.

    Raises:
        BudgetSpentError, TeacherError: a request got no answer; the candidates before it stand.
        UserError: the teacher can't answer at all.
        InfrastructureError: the judge failed.
    """
    stored = {(c.turn, c.sample): c for c in earlier}
    population = Population(objective_of(helpers.judge.backend))
    bests = []
    for generation in range(generations):
        present = [c for slot in range(config.proposals) if (c := stored.get((generation, slot)))]
        missing = [slot for slot in range(config.proposals) if (generation, slot) not in stored]
        proposals = {slot: _propose(task, population, config, generation, slot, helpers) for slot in missing}
        asked = [_ask(task, helpers, proposal, generation, slot) for slot, proposal in proposals.items()]
        async for candidate in as_answered(asked, whole=not present):
            present.append(candidate)
            yield candidate
        await _settle(task, helpers, population, present)
        bests.append(population.best())
        if _is_over(config, population, bests):
            return


def _propose(
    task: Task, population: Population, config: EvolveConfig, generation: int, slot: int, helpers: Helpers
) -> Proposal:
    """Return what a slot is asked: to translate first, to repair while nothing is right, then to better what is."""
    rng = random.Random(content_hash([helpers.seed, task.id, generation, slot, "proposal"]))  # noqa: S311  (no secret)
    if not population.archive:
        lineage = population.lineage(slot)
        if not lineage or (lineage[-1].verdict and lineage[-1].verdict.status == "unsupported"):
            return Proposal(translate(task, helpers.prompts), ())
        return Proposal(repair(task, lineage, helpers.prompts), tuple(a.candidate for a in lineage))
    hints = sample_hints(config.hints, rng)
    crossing = len(population.archive) > 1 and rng.random() < config.crossover
    parents = population.parents(2 if crossing else config.parents, rng)
    failed = [a for a in population.attempts if a.candidate.turn == generation - 1 and not _is_right(a)]
    values: dict[str, Any] = {
        "question": translate(task, helpers.prompts)[0].content,
        "parents": [_shown(parent, population) for parent in parents],
        "measured": population.objective,
        "meaning": MEANING[population.objective],
        "hints": hints,
    }
    if crossing:
        text = render("crossover.jinja", helpers.prompts, **values)
    else:
        text = render(
            "evolve.jinja", helpers.prompts, **values, earlier=[ending(a) for a in failed[:MAX_FAILURES_TOLD]]
        )
    return Proposal((Message(role="user", content=text),), tuple(parent.candidate for parent in parents))


async def _ask(task: Task, helpers: Helpers, proposal: Proposal, generation: int, slot: int) -> Candidate:
    messages = with_reasoning(proposal.messages, proposal.parents)
    try:
        reply = await helpers.teacher.complete(messages, request_seed(helpers.seed, task.id, slot, generation))
    except RefusedError:
        reply = Reply("", None, "refused", None, None)
    place = Place(slot, generation, tuple(c.id for c in proposal.parents))
    return candidate_at(task, place, helpers.teacher.name, proposal.messages, reply)


async def _settle(task: Task, helpers: Helpers, population: Population, candidates: Iterable[Candidate]) -> None:
    """Have a generation reviewed and judged, each distinct kernel once, and enter it into the population."""
    ordered = sorted(candidates, key=lambda c: c.sample)
    fresh: dict[str, tuple[Candidate, str]] = {}
    for candidate in ordered:
        if candidate.code is not None and population.twin(candidate) is None:
            fresh.setdefault(form(candidate.code), (candidate, candidate.code))
    attempts = {form(code): attempt for attempt, code in await _judge_best(task, helpers, list(fresh.values()))}
    for candidate in ordered:
        if candidate.code is None:
            population.add(Attempt(candidate, without_code(candidate, helpers.judge)))
        else:
            same = population.twin(candidate) or attempts[form(candidate.code)]
            population.add(Attempt(candidate, same.verdict, same.doubts))


async def _judge_best(
    task: Task, helpers: Helpers, fresh: Sequence[tuple[Candidate, str]]
) -> list[tuple[Attempt, str]]:
    """Judge all, or with verifiers the best of those that they do not turn away, and one in any case.

    Reviewers alone do not decide on a generation: they may be wrong about a kernel for ever.
    """
    chosen = [candidate for candidate, _ in fresh]
    left_out: dict[str, str] = {}
    if helpers.verifiers is not None and chosen:
        verifiers = helpers.verifiers
        reviews = await together([verifiers.assess(task, candidate, helpers.seed) for candidate in chosen])
        pairs = list(zip(chosen, reviews, strict=True))
        order = ranked([(c, review.turned_away, badness(review.votes)) for c, review in pairs])
        passed = max(1, sum(not review.turned_away for review in reviews))
        chosen = order[: min(passed, verifiers.best or passed)]
        left_out = {c.id: doubts(review) or "reviewers liked others better" for c, review in pairs}
    codes = {candidate.id: code for candidate, code in fresh}
    decided = await together([judged(task, c, codes[c.id], helpers.judge) for c in chosen])
    verdicts = {verdict.candidate_id: verdict for verdict in decided}
    return [
        (Attempt(c, verdict) if (verdict := verdicts.get(c.id)) else Attempt(c, None, left_out[c.id]), code)
        for c, code in fresh
    ]


def _is_over(config: EvolveConfig, population: Population, bests: Sequence[Any]) -> bool:
    """Whether the task's tokens are spent, or its patience is."""
    used = sum((a.candidate.prompt_tokens or 0) + (a.candidate.completion_tokens or 0) for a in population.attempts)
    if config.tokens_per_task is not None and used >= config.tokens_per_task:
        return True
    patience = config.patience
    return (
        patience is not None and len(bests) > patience and bests[-1] is not None and bests[-1] == bests[-1 - patience]
    )


def _is_right(attempt: Attempt) -> bool:
    return attempt.verdict is not None and attempt.verdict.accepted


def _shown(parent: Member, population: Population) -> dict[str, str]:
    return {"code": parent.code, "figures": described(population.objective, parent.score, parent.verdict)}
