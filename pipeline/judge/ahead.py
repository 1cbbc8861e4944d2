"""The reference's answers to a candidate's cases, asked for several at a time.

A process that is asked for one case after the other, in turn with the candidate's, finds its caches cold each time:
measured, a small case takes three times as long so.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pipeline.judge.inputs import Case

AnswerAndBuffers = tuple[dict[str, Any], list[bytearray]]


class Ahead:
    """Args: ``ask`` returns the answers to the first of the cases that it is given, at least one."""

    def __init__(self, ask: Callable[[Sequence[Case]], list[AnswerAndBuffers]]) -> None:
        self._ask = ask
        self._known: list[tuple[Case, AnswerAndBuffers]] = []

    def answer(self, case: Case, following: Sequence[Case]) -> AnswerAndBuffers:
        """Return the answer to a case, and have those to the next ones made as well, as far as that takes little."""
        while self._known:
            known, answer = self._known.pop(0)
            if known == case:
                return answer
        cases = [case, *following]
        first, *others = self._ask(cases)
        self._known = list(zip(cases[1:], others, strict=False))
        return first
