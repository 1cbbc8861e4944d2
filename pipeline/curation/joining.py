"""Brings together rows that are read one by one: what is made from several waits until the last of them has come."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Answer = Mapping[str, Any]  # a row of ``generate``


@dataclass(frozen=True)
class Job:
    """A row of ``table`` that is made from the answers of some candidates; ``build`` gets them by candidate id."""

    key: str
    table: str
    candidates: tuple[str, ...]
    build: Callable[[Mapping[str, Answer]], dict[str, Any]]


class Joiner:
    """Holds an answer as long as a job waits for it: little where the answers to one task stand together."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._waiting: defaultdict[str, list[Job]] = defaultdict(list)
        self._missing: dict[str, set[str]] = {}
        for job in jobs:
            self._missing[job.key] = set(job.candidates)
            for candidate in self._missing[job.key]:
                self._waiting[candidate].append(job)
        self._needed = {candidate: len(jobs) for candidate, jobs in self._waiting.items()}
        self._held: dict[str, Answer] = {}

    def add(self, candidate: str, answer: Answer) -> Iterator[tuple[Job, dict[str, Any]]]:
        """Yield the jobs that had only this answer left to wait for, with their rows."""
        jobs = self._waiting.pop(candidate, [])
        if jobs:
            self._held[candidate] = answer
        for job in jobs:
            self._missing[job.key].discard(candidate)
            if not self._missing[job.key]:
                yield job, job.build({c: self._held[c] for c in job.candidates})
                self._let_go(job)

    def __len__(self) -> int:
        """Return how many answers are held."""
        return len(self._held)

    def _let_go(self, job: Job) -> None:
        del self._missing[job.key]
        for candidate in set(job.candidates):
            self._needed[candidate] -= 1
            if not self._needed[candidate]:
                del self._held[candidate]
