"""A reasoning trace as steps, and what each is for: marker phrases first, as in LIMOPro (arXiv 2505.19187).

A step is three to four sentences; it ends after three where the next begins with a marker, so that what a marker
announces stays together. Joined again, the steps are the trace, byte for byte.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

StepClass = Literal["progressive", "verification", "multi_method", "error_correction"]
SHORTEST, LONGEST = 3, 4  # sentences of a step
MARKERS: Mapping[StepClass, tuple[str, ...]] = {
    "error_correction": (
        "i made a mistake", "i made an error", "my mistake", "i was wrong", "that's wrong", "that is wrong",
        "that's not right", "that is not right", "this is wrong", "wait,", "wait.", "wait -", "oops", "correction:",
        "let me fix", "let me correct", "actually, no", "hold on", "on second thought", "i misread", "i forgot",
    ),
    "verification": (
        "let me check", "let me verify", "let me double-check", "let me double check", "let's check", "let's verify",
        "let me confirm", "double-check", "double check", "to verify", "to confirm", "sanity check", "let me test",
        "checking ", "verifying ", "does this hold", "let me re-check", "let me recheck", "let me make sure",
    ),
    "multi_method": (
        "alternatively", "another approach", "another way", "another option", "a different approach",
        "a different way", "other approach", "instead, we could", "instead, i could", "or we could", "we could also",
        "one option", "a second option",
    ),
}  # fmt: skip
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?!\s))*(?:[.!?]+\s*|\n+\s*|$)")
_FENCE = re.compile(r"(```.*?(?:```|$)\s*)", re.DOTALL)


class Step(NamedTuple):
    """A part of a trace; ``kind`` decides whether it may be dropped."""

    text: str
    kind: StepClass


def steps(reasoning: str) -> list[Step]:
    """Return the steps of a trace; a fenced block of code is part of the sentence that it follows."""
    found: list[Step] = []
    current: list[str] = []
    for sentence in _sentences(reasoning):
        full = len(current) >= LONGEST or (len(current) >= SHORTEST and _class(sentence) != "progressive")
        if full:
            found.append(_step(current))
            current = []
        current.append(sentence)
    if current:
        found.append(_step(current))
    return found


def _step(sentences: list[str]) -> Step:
    text = "".join(sentences)
    return Step(text, _class(text))


def _class(text: str) -> StepClass:
    """Return the first class of ``MARKERS`` that has a phrase in the text: to correct is more than to check."""
    lowered = text.lower().replace("\u2019", "'")
    for kind, phrases in MARKERS.items():
        if any(phrase in lowered for phrase in phrases):
            return kind
    return "progressive"


def _sentences(text: str) -> list[str]:
    """Return the sentences with the white space after them; together they are the text."""
    found: list[str] = []
    for part in _FENCE.split(text):
        if part.startswith("```") and found:
            found[-1] += part
        elif part.startswith("```"):
            found.append(part)
        else:
            found += [sentence for sentence in _SENTENCE.findall(part) if sentence]
    return found
