"""Drops traces that talk of what a model won't see when it is asked: the grader, or another answer.

A right answer of a later turn is taught as a first one: a trace that mends "my previous attempt" would teach to refer
to what is not there. One that argues about the grader teaches to write for the grader.
"""

import re
from typing import Literal

from pipeline.curation.features import Texts
from pipeline.section import Section

_GRADER = re.compile(
    r"\b(?:the|an?|this|hidden|automatic|your|their)\s+(?:\w+\s+)?(?:grader|grading|judge|evaluator|verifier|checker|"
    r"test\s?(?:harness|suite|script|cases?)|evaluation\s(?:harness|script|server)|scoring|reward(?:\s(?:function|model))?)\b"
    r"|\b(?:hidden|unit)\stests?\b|\bkernel\s?bench\b|\btests?\s(?:will|would|might|may)\s(?:check|catch|compare|detect|fail)",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"\b(?:my|the|your|our)\s(?:previous|earlier|prior|first|last|other|original|failed)\s(?:\w+\s)?"
    r"(?:attempt|answer|solution|submission|response|try|candidate|sample|version\s(?:failed|was\swrong))\b"
    r"|\b(?:another|other)\s(?:candidate|sample|rollout|participant|model)(?:'s|s')?\s(?:answer|solution|kernel|code)\b"
    r"|\b(?:the|this)\s(?:compiler|test|error)\s(?:report|feedback|message)\s(?:says|shows|said|above)\b"
    r"|\bwas\stested\sand\sis\snot\saccepted\b",
    re.IGNORECASE,
)


class Config(Section):
    """Has no settings. What is said of a grader in other words, and "judge" as a verb, is not found."""

    kind: Literal["leaks"] = "leaks"


def examine(texts: Texts, config: Config) -> str | None:  # noqa: ARG001  (every such filter's signature)
    """Return what the trace mentions that it should not, None if nothing."""
    if _GRADER.search(texts.reasoning):
        return "mentions_grader"
    return "mentions_other_answer" if _ANSWER.search(texts.reasoning) else None
