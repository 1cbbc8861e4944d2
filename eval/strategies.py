"""Ways to spend the same tokens on a task: independent answers, repair after repair, a beam, evolution.

All ask through an ``Allowance``, so each is bound by the same number of completion tokens a task. Their first
requests are the same ones (same prompt, same seed), so strategies are compared on the same luck. A candidate's sample
is its slot and its turn its generation; in the order (turn, sample) they were asked for.
"""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Sequence

from eval.config import Strategy
from pipeline.agent.evolve import EvolveConfig, evolve
from pipeline.agent.loop import (
    SETTLED,
    Helpers,
    Place,
    RolloutConfig,
    attempted,
    candidate_at,
    request_seed,
    rollout,
    with_reasoning,
)
from pipeline.agent.prompting import repair, translate
from pipeline.agent.report import Attempt
from pipeline.errors import BudgetSpentError
from pipeline.records import Candidate, Message, Task
from pipeline.teachers import Reply, Teacher
from pipeline.teachers.journal import CHARACTERS_PER_TOKEN

BEAM_WIDTH, BRANCHES = 2, 2  # attempts that are kept, and repairs of each
MOST_TURNS = 99
EVOLUTION = EvolveConfig(kind="evolve", generations=MOST_TURNS, proposals=BEAM_WIDTH * BRANCHES)
# How far an answer came; among equals the number of checks that it passed decides.
PROGRESS = ("malformed", "compile_error", "cheating", "timeout", "runtime_error", "incorrect", "correct")


class Allowance:
    """A teacher who stops when ``tokens`` completion tokens are spent; one request at a time.

    The last answer may overstep: what ends beyond the budget is not counted by whoever counts. ``close`` ends it
    early.
    """

    def __init__(self, teacher: Teacher, tokens: int, earlier: Sequence[Candidate]) -> None:
        self.name = teacher.name
        self._teacher = teacher
        self._left = tokens - sum(tokens_of(candidate) for candidate in earlier)
        self._turn = asyncio.Lock()

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer the conversation.

        Raises:
            BudgetSpentError: there is nothing left to spend.
            PipelineError: what the teacher raises.
        """
        async with self._turn:
            if self._left <= 0:
                raise BudgetSpentError("the task's tokens are spent")
            reply = await self._teacher.complete(messages, seed)
            self._left -= _counted(reply.completion_tokens, reply.content, reply.reasoning)
            return reply

    async def close(self) -> None:
        """Answer nothing any more; the teacher stays open, others use it."""
        self._left = 0


def tokens_of(candidate: Candidate) -> int:
    """Return the completion tokens of an answer, by its length where the server does not count."""
    return _counted(candidate.completion_tokens, candidate.messages[-1].content, candidate.messages[-1].reasoning)


def attempts(
    strategy: Strategy, task: Task, helpers: Helpers, earlier: Sequence[Candidate]
) -> AsyncIterator[Candidate]:
    """Yield a task's candidates, each as soon as it exists; ``earlier`` are those of an interrupted run.

    It ends when there is nothing left to do (a right answer, for all but ``parallel`` and ``evolve``), or with what
    the teacher raises.

    Raises:
        BudgetSpentError, TeacherError: a request got no answer; the candidates before it stand.
        UserError: the teacher can't answer at all.
        InfrastructureError: the judge failed.
    """
    match strategy:
        case "parallel":
            return _parallel(task, helpers, len(earlier))
        case "sequential":
            return rollout(task, 0, helpers, earlier, RolloutConfig(max_turns=MOST_TURNS))
        case "beam":
            return _beam(task, helpers, earlier)
        case "evolve":
            return evolve(task, helpers, earlier, EVOLUTION, MOST_TURNS)


async def _parallel(task: Task, helpers: Helpers, first: int) -> AsyncIterator[Candidate]:
    for sample in itertools.count(first):
        yield await _ask(task, helpers, Place(sample, 0, ()), translate(task, helpers.prompts), ())


async def _beam(task: Task, helpers: Helpers, earlier: Sequence[Candidate]) -> AsyncIterator[Candidate]:
    """Ask ``BEAM_WIDTH * BRANCHES`` times, keep the best ``BEAM_WIDTH`` lines of attempts, repair each, and so on."""
    stored = {(c.turn, c.sample): c for c in earlier}
    beams: list[list[Attempt]] = [[]]
    for turn in range(MOST_TURNS):
        grown: list[list[Attempt]] = []
        for slot in range(BEAM_WIDTH * BRANCHES):
            line = beams[slot % len(beams)]
            candidate = stored.get((turn, slot))
            if candidate is None:
                turns = [attempt.candidate for attempt in line]
                messages = repair(task, line, helpers.prompts) if line else translate(task, helpers.prompts)
                candidate = await _ask(task, helpers, Place(slot, turn, tuple(c.id for c in turns)), messages, turns)
                yield candidate
            grown.append([*line, await attempted(task, candidate, helpers)])
            verdict = grown[-1][-1].verdict
            if verdict is not None and verdict.status in SETTLED:
                return
        beams = sorted(grown, key=lambda line: _progress(line[-1]), reverse=True)[:BEAM_WIDTH]


async def _ask(
    task: Task, helpers: Helpers, place: Place, messages: tuple[Message, ...], turns: Sequence[Candidate]
) -> Candidate:
    seed = request_seed(helpers.seed, task.id, place.sample, place.turn)
    reply = await helpers.teacher.complete(with_reasoning(messages, turns), seed)
    return candidate_at(task, place, helpers.teacher.name, messages, reply)


def _progress(attempt: Attempt) -> tuple[int, int]:
    verdict = attempt.verdict
    if verdict is None or verdict.status not in PROGRESS:
        return -1, 0
    return PROGRESS.index(verdict.status), sum(check.passed for check in verdict.checks)


def _counted(tokens: int | None, content: str, reasoning: str | None) -> int:
    if tokens is None:
        tokens = math.ceil((len(content) + len(reasoning or "")) / CHARACTERS_PER_TOKEN)
    return max(1, tokens)  # an answer of nothing is none for nothing: a budget must come to its end
