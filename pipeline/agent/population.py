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
    _seen: dict[str, Attempt] = field(default_factory=dict)

    def twin(self, candidate: Candidate) -> Attempt | None:
        """Return the earlier attempt with the same code, None if there is none."""
        return None if candidate.code is None else self._seen.get(_form(candidate.code))

    def add(self, attempt: Attempt) -> None:
        """Enter an attempt; the archive keeps it if it is right, new, and has a score."""
        code, verdict = attempt.candidate.code, attempt.verdict
        known = self.twin(attempt.candidate)
        self.attempts.append(attempt)
        if code is None:
            return
        if known is None or known.verdict is None:
            self._seen[_form(code)] = attempt
        if verdict is None or not verdict.accepted or (known is not None and known.verdict is not None):
            return
        found = score(self.objective, code, verdict)
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


def ranked(attempts: Sequence[tuple[Candidate, float]]) -> list[Candidate]:
    """Return candidates by how bad reviewers find them, the least bad first, then by slot."""
    return [candidate for candidate, _ in sorted(attempts, key=lambda a: (a[1], a[0].sample))]


def _form(code: str) -> str:
    return text_hash(normalised_code(code))
