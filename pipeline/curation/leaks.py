"""Drops traces that talk of what a model won't see when it is asked: the grader, or another answer.

A right answer of a later turn is taught as a first one: a trace that mends "my previous attempt" would teach to refer
to what is not there. One that argues about the grader teaches to write for the grader.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from pipeline.curation.features import Texts
from pipeline.section import Section

BEFORE, AFTER = 60, 40  # characters around a word within which a mention has to stand


class _Mention(NamedTuple):
    """A pattern, and words one of which is in all that it matches: finding a word is far cheaper than matching."""

    reason: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]


_MENTIONS = (
    _Mention(
        "mentions_grader",
        ("grader", "grading", "judge", "evaluat", "verifier", "checker", "test", "scoring", "reward", "bench"),
        re.compile(
            r"\b(?:the|an?|this|hidden|automatic|your|their)\s+(?:\w+\s+)?(?:grader|grading|judge|evaluator|verifier|"
            r"checker|test\s?(?:harness|suite|script|cases?)|evaluation\s(?:harness|script|server)|scoring|"
            r"reward(?:\s(?:function|model))?)\b"
            r"|\b(?:hidden|unit)\stests?\b|\bkernel\s?bench\b"
            r"|\btests?\s(?:will|would|might|may)\s(?:check|catch|compare|detect|fail)"
        ),
    ),
    _Mention(
        "mentions_other_answer",
        (
            "attempt", "answer", "solution", "submission", "response", "try", "candidate", "sample", "rollout",
            "participant", "version", "model", "report", "feedback", "message", "not accepted",
        ),
        re.compile(
            r"\b(?:my|the|your|our)\s(?:previous|earlier|prior|first|last|other|original|failed)\s(?:\w+\s)?"
            r"(?:attempt|answer|solution|submission|response|try|candidate|sample|version\s(?:failed|was\swrong))\b"
            r"|\b(?:another|other)\s(?:candidate|sample|rollout|participant|model)(?:'s|s')?"
            r"\s(?:answer|solution|kernel|code)\b"
            r"|\b(?:the|this)\s(?:compiler|test|error)\s(?:report|feedback|message)\s(?:says|shows|said|above)\b"
            r"|\bwas\stested\sand\sis\snot\saccepted\b"
        ),
    ),
)  # fmt: skip


class Config(Section):
    """Has no settings. What is said of a grader in other words, and "judge" as a verb, is not found."""

    kind: Literal["leaks"] = "leaks"


def examine(texts: Texts, config: Config) -> str | None:  # noqa: ARG001  (every such filter's signature)
    """Return what the trace mentions that it should not, None if nothing."""
    trace = texts.reasoning.lower()
    for mention in _MENTIONS:
        for place in _places(trace, mention.words):
            if mention.pattern.search(trace, max(0, place - BEFORE), place + AFTER):
                return mention.reason
    return None


def _places(text: str, words: tuple[str, ...]) -> Iterator[int]:
    for word in words:
        place = text.find(word)
        while place >= 0:
            yield place
            place = text.find(word, place + len(word))
