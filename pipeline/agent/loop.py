"""One rollout: ask for a kernel, have it judged, report what is wrong, ask again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from typing import Protocol

from pydantic import Field

from pipeline.agent.prompting import repair, translate
from pipeline.agent.reply import clean, parse, split_reasoning
from pipeline.records import Candidate, Message, Task, Verdict, content_hash
from pipeline.section import Section
from pipeline.teachers import Reply, Teacher

SETTLED = ("correct", "unsupported")  # nothing to repair, or nothing to say about what to repair


class RolloutConfig(Section):
    """How long a rollout may get."""

    max_turns: int = Field(default=1, ge=1, le=99)


class Judging(Protocol):
    """What the loop needs of the judge."""

    backend: str
    version: str

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module."""
        ...


async def rollout(
    task: Task,
    sample: int,
    teacher: Teacher,
    judge: Judging,
    earlier: Sequence[Candidate],
    config: RolloutConfig,
    seed: int,
) -> AsyncIterator[Candidate]:
    """Yield one sample's candidates, each as soon as it exists, until one is correct or the turns are used up.

    ``earlier`` are this sample's candidates from an interrupted run, in the order of their turns; the last of them is
    judged again, none is asked for again. A candidate is yielded before it is judged: it has been paid for.

    Raises:
        BudgetSpentError: nothing more is asked; the candidates before it stand.
        TeacherError: a request got no answer; the candidates before it stand.
        UserError: the teacher can't answer at all.
        InfrastructureError: the judge failed.
    """
    turns = list(earlier)
    while len(turns) < config.max_turns:
        messages = translate(task)
        if turns:
            verdict = await _judged(task, turns[-1], judge)
            if verdict.status in SETTLED:
                return
            messages = repair(turns[-1], verdict)
        reply = await teacher.complete(
            with_reasoning(messages, turns), request_seed(seed, task.id, sample, len(turns))
        )
        turns.append(answered(task, sample, teacher.name, turns, messages, reply))
        yield turns[-1]


def with_reasoning(messages: Sequence[Message], turns: Sequence[Candidate]) -> tuple[Message, ...]:
    """Return the messages with the reasoning of those answers in them that are given in full.

    It is for servers that want it back; candidates are kept without: their parents have it.
    """
    reasoning = {(split_reasoning(turn.messages[-1].content)[1] or "").strip(): turn.reasoning for turn in turns}
    return tuple(
        m.model_copy(update={"reasoning": reasoning.get(m.content)}) if m.role == "assistant" else m for m in messages
    )


def request_seed(seed: int, task_id: str, sample: int, turn: int) -> int:
    """Return the seed of one request: 31 bits, which every server takes."""
    return int(content_hash([seed, task_id, sample, turn]), 16) & 0x7FFFFFFF


def without_code(candidate: Candidate, judge: Judging) -> Verdict:
    """Return the verdict on an answer that holds no module: there is nothing to run."""
    return Verdict(
        candidate_id=candidate.id,
        status="malformed",
        reason=candidate.status,
        backend=judge.backend,
        judge_version=judge.version,
    )


async def _judged(task: Task, candidate: Candidate, judge: Judging) -> Verdict:
    if candidate.code is None:
        return without_code(candidate, judge)
    return await asyncio.wrap_future(judge.submit(task, candidate.code, candidate.id))


def answered(
    task: Task, sample: int, teacher: str, turns: Sequence[Candidate], messages: tuple[Message, ...], reply: Reply
) -> Candidate:
    """Return the candidate in an answer to ``messages``; ``turns`` are this sample's candidates before it."""
    parsed = parse(reply)
    apart = clean(reply.reasoning) if reply.reasoning else None
    return Candidate(
        task_id=task.id,
        sample=sample,
        turn=len(turns),
        parents=tuple(c.id for c in turns),
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
