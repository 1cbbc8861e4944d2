"""The kernels of one task that evolution works with: distinct right ones, ordered by their score."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.agent.objective import ObjectiveName, Score, score
from pipeline.agent.report import Attempt
from pipeline.curation.features import normalised_code, text_hash
from pipeline.records import Candidate, Verdict


class Member(NamedTuple):
    """A right kernel with its score."""

    candidate: Candidate
    code: str
    verdict: Verdict
    score: Score


@dataclass
class Population:
    """All attempts of a task so far, and the archive of its distinct right kernels.

    Two kernels are the same if their code is, comments and layout aside; of such, the first stands and the judge is
    asked once.
    """

    objective: ObjectiveName
    attempts: list[Attempt] = field(default_factory=list)
    archive: list[Member] = field(default_factory=list)
    _judged: dict[str, Attempt] = field(default_factory=dict)

    def twin(self, candidate: Candidate) -> Attempt | None:
        """Return the judged attempt with the same code, None if there is none.

        What reviewers have turned away is no twin: proposed again, it is reviewed again.
        """
        return None if candidate.code is None else self._judged.get(form(candidate.code))

    def add(self, attempt: Attempt) -> None:
        """Enter an attempt; the archive keeps it if it is right, new, and has a score."""
        code, verdict = attempt.candidate.code, attempt.verdict
        self.attempts.append(attempt)
        if code is None or verdict is None or self.twin(attempt.candidate):
            return
        self._judged[form(code)] = attempt
        found = score(self.objective, code, verdict) if verdict.accepted else None
        if found is not None:
            self.archive.append(Member(attempt.candidate, code, verdict, found))
            self.archive.sort(key=lambda m: (m.score, m.candidate.turn, m.candidate.sample))

    def best(self) -> Score | None:
        """Return the best score so far."""
        return self.archive[0].score if self.archive else None

    def parents(self, count: int, rng: random.Random) -> list[Member]:
        """Return at most so many right kernels, sorted slow to fast, as robust-kbench shows them.

        The best is always among them; the others are drawn, a better one more likely (weight 1/rank).
        """
        chosen = self.archive[:1]
        rest = self.archive[1:]
        while rest and len(chosen) < count:
            weights = [1 / (rank + 2) for rank in range(len(rest))]
            drawn = rng.choices(range(len(rest)), weights)[0]
            chosen.append(rest.pop(drawn))
        return sorted(chosen, key=lambda m: (m.score, m.candidate.turn, m.candidate.sample), reverse=True)

    def lineage(self, slot: int) -> list[Attempt]:
        """Return a slot's attempts in the order of generations, for a report while nothing is right yet."""
        own = [attempt for attempt in self.attempts if attempt.candidate.sample == slot]
        return sorted(own, key=lambda attempt: attempt.candidate.turn)


def ranked(reviewed: Sequence[tuple[Candidate, bool, float]]) -> list[Candidate]:
    """Return candidates with whether reviewers turn them away and how bad they find them: the least bad first."""
    return [c for c, _, _ in sorted(reviewed, key=lambda r: (r[1], r[2], r[0].sample))]


def form(code: str) -> str:
    """Return what two kernels have in common that are the same, comments and layout aside."""
    return text_hash(normalised_code(code))
