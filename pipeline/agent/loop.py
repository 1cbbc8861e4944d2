"""One rollout: ask for a kernel, have it judged, report what is wrong, ask again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from pydantic import Field

from pipeline.agent.prompting import SHIPPED, Prompts, repair, spoken, translate
from pipeline.agent.reply import clean, parse
from pipeline.agent.report import Attempt
from pipeline.agent.verdicts import Judging, without_code
from pipeline.agent.verifiers import Reviewing, doubts
from pipeline.records import Candidate, Message, Task, Verdict, content_hash
from pipeline.section import Section
from pipeline.teachers import Reply, Teacher

SETTLED = ("correct", "unsupported")  # nothing to repair, or nothing to say about what to repair


class RolloutConfig(Section):
    """How long a rollout may get."""

    max_turns: int = Field(default=1, ge=1, le=99)


class Helpers(NamedTuple):
    """Who writes, who judges, who reviews before the judge (nobody: None), the recipe's seed and its prompts."""

    teacher: Teacher
    judge: Judging
    verifiers: Reviewing | None
    seed: int
    prompts: Prompts = SHIPPED


async def rollout(
    task: Task, sample: int, helpers: Helpers, earlier: Sequence[Candidate], config: RolloutConfig
) -> AsyncIterator[Candidate]:
    """Yield one sample's candidates, each as soon as it exists, until one is correct or the turns are used up.

    ``earlier`` are this sample's candidates from an interrupted run, in the order of their turns; none is asked for
    again, and their verdicts are whatever the judge now says. A candidate is yielded before it is judged: it has been
    paid for. The last turn is neither reviewed nor judged here.

    Raises:
        BudgetSpentError: nothing more is asked; the candidates before it stand.
        TeacherError: a request got no answer; the candidates before it stand.
        UserError: the teacher can't answer at all.
        InfrastructureError: the judge failed.
    """
    turns = list(earlier)
    attempts: list[Attempt] = []
    while len(turns) < config.max_turns:
        messages = translate(task, helpers.prompts)
        if turns:
            attempts += [await attempted(task, candidate, helpers) for candidate in turns[len(attempts) :]]
            verdict = attempts[-1].verdict
            if verdict is not None and verdict.status in SETTLED:
                return
            messages = repair(task, attempts, helpers.prompts)
        reply = await helpers.teacher.complete(
            with_reasoning(messages, turns), request_seed(helpers.seed, task.id, sample, len(turns))
        )
        turns.append(answered(task, sample, helpers.teacher.name, turns, messages, reply))
        yield turns[-1]


async def attempted(task: Task, candidate: Candidate, helpers: Helpers) -> Attempt:
    """Have a candidate reviewed, if there are verifiers, and judged unless they turn it away."""
    if candidate.code is None:
        return Attempt(candidate, without_code(candidate, helpers.judge))
    if helpers.verifiers is not None:
        assessment = await helpers.verifiers.assess(task, candidate, helpers.seed)
        if assessment.turned_away:
            return Attempt(candidate, None, doubts(assessment))
    return Attempt(candidate, await judged(task, candidate, candidate.code, helpers.judge))


async def judged(task: Task, candidate: Candidate, code: str, judge: Judging) -> Verdict:
    """Have a candidate judged. Raises InfrastructureError if the judge fails."""
    return await asyncio.wrap_future(judge.submit(task, code, candidate.id))


def with_reasoning(messages: Sequence[Message], turns: Sequence[Candidate]) -> tuple[Message, ...]:
    """Return the messages with the reasoning of those answers in them that are given in full.

    It is for servers that want it back; candidates are kept without: their parents have it.
    """
    reasoning = {spoken(turn): turn.reasoning for turn in turns}
    return tuple(
        m.model_copy(update={"reasoning": reasoning.get(m.content)}) if m.role == "assistant" else m for m in messages
    )


def request_seed(seed: int, task_id: str, sample: int, turn: int) -> int:
    """Return the seed of one request: 31 bits, which every server takes."""
    return int(content_hash([seed, task_id, sample, turn]), 16) & 0x7FFFFFFF


class Place(NamedTuple):
    """Where a candidate stands: its sample (in evolve its slot), its turn (its generation), and its parents' ids."""

    sample: int
    turn: int
    parents: tuple[str, ...]


def answered(
    task: Task, sample: int, teacher: str, turns: Sequence[Candidate], messages: tuple[Message, ...], reply: Reply
) -> Candidate:
    """Return the candidate in an answer to ``messages``; ``turns`` are this sample's candidates before it."""
    place = Place(sample, len(turns), tuple(c.id for c in turns))
    return candidate_at(task, place, teacher, messages, reply)


def candidate_at(task: Task, place: Place, teacher: str, messages: tuple[Message, ...], reply: Reply) -> Candidate:
    """Return the candidate in an answer to ``messages``."""
    parsed = parse(reply)
    apart = clean(reply.reasoning) if reply.reasoning else None
    return Candidate(
        task_id=task.id,
        sample=place.sample,
        turn=place.turn,
        parents=place.parents,
        teacher=reply.teacher or teacher,
        sampling=reply.sampling,
        messages=(*messages, Message(role="assistant", content=clean(reply.content), reasoning=apart)),
        reasoning=parsed.reasoning,
        code=parsed.code,
        status=parsed.status,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        request_id=reply.request_id,
    )
