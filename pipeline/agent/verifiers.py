"""Soft verifiers: a language model reads a kernel against checklists before hardware runs it.

Each checklist (compile, memory, numerics) is a prompt whose answer ends in True or False; one round of reflection may
change it. The votes decide whether the judge is asked at all, and in which order.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, Self

from pydantic import Field, model_validator

from pipeline.agent.assessments import NAME, Assessment, Vote, good_ones
from pipeline.agent.concurrently import together
from pipeline.agent.conformal import Conformal
from pipeline.agent.lines import RecordLines
from pipeline.agent.prompting import SHIPPED, Prompts, only_float32, render
from pipeline.agent.reply import clean, split_reasoning
from pipeline.errors import RefusedError, UserError
from pipeline.records import Candidate, Message, Task, content_hash
from pipeline.section import Section
from pipeline.teachers import Reply, Teacher
from pipeline.teachers.making import TeacherConfig

Checklist = Literal["compile", "memory", "numerics"]
MAJORITY = 0.5
MAX_DOUBT = 1500  # characters of a review that a report quotes: its end, where the findings are
_RESULT = re.compile(r"\b(true|false)\b", re.IGNORECASE)


class VerifiersConfig(Section):
    """Who reviews, and what follows from it.

    ``teacher``: who is asked, None for the one that writes. ``votes``: answers a checklist. ``rule``: ``majority``
    turns a kernel away if more than half of some checklist's votes are False; ``conformal`` by the p-value of its
    share of False votes among the good kernels of ``calibration``, the directory of a run with reviews whose stage
    verify is complete, so that at most a share ``alpha`` of good kernels is lost; ``observe`` turns none away.
    ``best``: in evolve, at most so many of a generation go to the judge, those with the fewest doubts.
    """

    checklists: tuple[Checklist, ...] = Field(default=("compile", "memory", "numerics"), min_length=1)
    teacher: TeacherConfig | None = None
    votes: int = Field(default=1, ge=1, le=99)
    reflect: bool = True
    rule: Literal["observe", "majority", "conformal"] = "majority"
    alpha: float = Field(default=0.1, gt=0, lt=1)
    calibration: Path | None = None
    best: int | None = Field(default=None, ge=1)

    @property
    def reviews(self) -> int:
        """How many requests one candidate costs."""
        return len(self.checklists) * self.votes * (1 + self.reflect)

    def local_files(self) -> dict[str, list[Path]]:
        """Return the manifest of the verdicts that a bound is calibrated on."""
        return {} if self.calibration is None else {"calibration": [self.calibration / "verify" / "manifest.json"]}

    @model_validator(mode="after")
    def _conformal_needs_a_calibration(self) -> Self:
        if (self.rule == "conformal") != (self.calibration is not None):
            raise ValueError("rule: conformal and calibration: DIR belong together")
        return self


class Reviewing(Protocol):
    """What the loop needs of the verifiers."""

    @property
    def best(self) -> int | None:
        """How many of several candidates may go to the judge at most."""
        ...

    async def assess(self, task: Task, candidate: Candidate, seed: int) -> Assessment:
        """Return what the reviews say, and whether the candidate may go to the judge."""
        ...


class Question(NamedTuple):
    """One vote that is wanted."""

    checklist: Checklist
    number: int


class Verifiers:
    """Asks ``teacher``; assessments are kept in the stage's directory and none is made twice.

    Raises:
        UserError: the calibration is no finished run with reviews.
    """

    def __init__(
        self, config: VerifiersConfig, teacher: Teacher, directory: Path, prompts: Prompts = SHIPPED
    ) -> None:
        self.config = config
        self.best = config.best
        self.conformal = calibrated(config)
        self._teacher = teacher
        self._prompts = prompts
        self._lines = RecordLines(directory / NAME, Assessment, lambda a: a.candidate_id)

    async def assess(self, task: Task, candidate: Candidate, seed: int) -> Assessment:
        """Return what the reviews say about a candidate with code, and whether it may go to the judge.

        Raises:
            BudgetSpentError, TeacherError, UserError: as the teacher does. A review that is refused is no vote.
        """
        known = self._lines.get(candidate.id)
        if known is not None:
            return known
        questions = [Question(c, n) for c in self.config.checklists for n in range(self.config.votes)]
        asked = [self._vote(task, candidate, question, seed) for question in questions]
        votes = tuple(await together(asked))
        assessment = Assessment(candidate_id=candidate.id, votes=votes, turned_away=self._turned_away(votes))
        self._lines.append(assessment)
        return assessment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.__exit__()

    def _turned_away(self, votes: Sequence[Vote]) -> bool:
        if self.conformal is not None:
            return self.conformal.turns_away(badness(votes))
        lists = {vote.checklist for vote in votes} if self.config.rule == "majority" else ()
        return any(badness([vote for vote in votes if vote.checklist == name]) > MAJORITY for name in lists)

    async def _vote(self, task: Task, candidate: Candidate, question: Question, seed: int) -> Vote:
        values = {"task": task, "code": candidate.code, "only_float32": only_float32(task)}
        text = render(f"verify_{question.checklist}.jinja", self._prompts, **values)
        messages = (Message(role="user", content=text),)
        replies: list[Reply] = []
        for turn in range(1 + self.config.reflect):
            try:
                reply = await self._teacher.complete(messages, _seed(seed, candidate, question, turn))
            except RefusedError:
                break
            replies.append(reply)
            said = spoken(reply) or "(no answer)"
            again = Message(role="user", content=render("verify_again.jinja", self._prompts))
            messages = (*messages, Message(role="assistant", content=said), again)
        results = [result for reply in replies if (result := read_result(spoken(reply))) is not None]
        return Vote(
            checklist=question.checklist,
            passed=results[-1] if results else None,
            text=spoken(replies[-1])[-MAX_DOUBT:] if replies else "",
            requests=tuple(reply.request_id for reply in replies if reply.request_id),
            prompt_tokens=sum(reply.prompt_tokens or 0 for reply in replies),
            completion_tokens=sum(reply.completion_tokens or 0 for reply in replies),
        )


def badness(votes: Sequence[Vote]) -> float:
    """Return the share of False among the votes that are True or False; one half where there is none."""
    cast = [vote.passed for vote in votes if vote.passed is not None]
    return sum(not passed for passed in cast) / len(cast) if cast else MAJORITY


def doubts(assessment: Assessment) -> str:
    """Return what the reviews that ended in False say, for a report; each under its checklist's name."""
    told = [vote for vote in assessment.votes if vote.passed is False]
    return "\n\n".join(f"{vote.checklist}:\n{_without_result(vote.text)}" for vote in told)


def _without_result(text: str) -> str:
    """Return a review without its last line, which holds the result alone."""
    head, _, last = text.rstrip().rpartition("\n")
    return head.rstrip() if _RESULT.fullmatch(last.strip(" .*_`")) else text


def read_result(answer: str) -> bool | None:
    """Return the last True or False of an answer, None if its last line holds neither or it has none."""
    lines = [line for line in answer.splitlines() if line.strip()]
    found = _RESULT.findall(lines[-1]) if lines else []
    return found[-1].lower() == "true" if found else None


def spoken(reply: Reply) -> str:
    """Return an answer without its reasoning."""
    return (split_reasoning(clean(reply.content))[1] or "").strip()


def calibrated(config: VerifiersConfig) -> Conformal | None:
    """Return the conformal test of a recipe that has one. Raises UserError if its calibration is of no use."""
    if config.calibration is None:
        return None
    good = [badness(a.votes) for a in good_ones(config.calibration)]
    if not good:
        raise UserError(f"generate.verifiers.calibration: {config.calibration} holds no right kernel with reviews")
    return Conformal(good, config.alpha)


def _seed(seed: int, candidate: Candidate, question: Question, turn: int) -> int:
    """Return the seed of one request, 31 bits."""
    return int(content_hash([seed, candidate.id, *question, turn]), 16) & 0x7FFFFFFF
