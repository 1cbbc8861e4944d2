"""Drops traces that talk of what a model won't see when it is asked: the grader, another answer, a report on one.

A trace that mends "my previous attempt" would teach to refer to what is not there. One that argues about the grader
teaches to write for the grader. The filter ``first_turn`` drops all answers to reports whatever they say; this one
also finds first answers, of any source, that speak of what nobody showed them.
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


OTHER_ANSWER = "mentions_other_answer"
# Who says what is wrong with an answer: the loop's report and reviews (see agent/prompts/repair.jinja), a compiler.
_REPORT = r"(?:report|feedback|review(?:ers?)?|(?:compiler|test|error|build)\smessages?)"
_SAYS = r"(?:says?|said|shows?|showed|states?|tells?|told|complains?|indicates?|mentions?|points|doubts?|above)"
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
        OTHER_ANSWER,
        (
            "attempt", "answer", "solution", "submission", "response", "try", "candidate", "sample", "rollout",
            "participant", "version", "model", "report", "feedback", "message", "review", "accepted",
            "rejected", "cut off", "turned away", "of my",
        ),
        re.compile(
            r"\b(?:my|your|our)\s(?:previous|earlier|prior|first|last|other|original|failed)\s(?:\w+\s)?"
            r"(?:attempt|answer|solution|submission|response|try|candidate|sample|version\s(?:failed|was\swrong))\b"
            r"|\bthe\s(?:previous|earlier|prior|failed)\s(?:\w+\s)?"
            r"(?:attempt|answer|solution|submission|response|version\s(?:failed|was\swrong))\b"
            r"|\bthe\s(?:first|last|other|original)\s(?:\w+\s)?(?:attempt|answer|submission)\b"  # no batch's sample
            r"|\b(?:another|other)\s(?:candidate|sample|rollout|participant|model)(?:'s|s')?"
            r"\s(?:answer|solution|kernel|code)\b"
            rf"|\b(?:the|this|that|your)\s(?:\w+\s)?{_REPORT}\s{_SAYS}\b"
            rf"|\baccording\sto\s(?:the|this|that|your)\s(?:\w+\s)?{_REPORT}\b|\b(?:the|your)\sreviewers\b"
            r"|\bat\slines?\s\d+\sof\smy\s(?:module|code|kernel|answer)\b"
            r"|\b(?:my|the)\s(?:module|code|kernel|answer)\s(?:was|is|has\sbeen|got)\s"
            r"(?:rejected|not\saccepted|cut\soff|turned\saway)\b"
            r"|\bwas\stested\sand\sis\snot\saccepted\b|\battempt\s\d+\s(?:failed|was\srejected|ended\sin)"
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
