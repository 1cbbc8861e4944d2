"""Drops traces that go round in circles: a model that learns from them learns to."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from pipeline.curation.features import Texts, words_of
from pipeline.curation.minhash import passages
from pipeline.section import Section

MAX_PERIOD = 400  # words of the longest passage that is looked for as a loop at a trace's end
ROUNDS = 3


class Config(Section):
    """``max_share``: the largest share of passages of ``passage`` words that may have occurred before in the trace.

    A trace that drafts its kernel and then writes it out again repeats itself too, which is why the limit is high. A
    trace that ends with the same passage three times in a row is dropped whatever its share.
    """

    kind: Literal["looping"] = "looping"
    passage: int = Field(default=20, ge=2)
    max_share: float = Field(default=0.5, ge=0, le=1)


def examine(texts: Texts, config: Config) -> str | None:
    """Return why the trace counts as looping, None if it does not."""
    words = words_of(texts.reasoning)
    if _ends_in_loop(words):
        return "ends_in_loop"
    return "repeats_passages" if repeated_share(words, config.passage) > config.max_share else None


def repeated_share(words: Sequence[str], passage: int) -> float:
    """Return the share of the passages of so many words that occurred earlier; 0 of a text shorter than two."""
    n = len(words) - passage + 1
    return 1 - len(np.unique(passages(words, passage))) / n if n >= 2 else 0.0


def _ends_in_loop(words: Sequence[str]) -> bool:
    """Whether the text ends in one passage several times in a row, 20 times if the passage is very short."""
    for period in range(1, min(MAX_PERIOD, len(words) // ROUNDS) + 1):
        if words[-1] != words[-1 - period]:
            continue
        rounds = 20 if period < 4 else ROUNDS  # "...", "0, 0, 0": short periods are ordinary a few times
        tail = words[-period:]
        if len(words) >= period * rounds and all(
            words[len(words) - period * (i + 1) : len(words) - period * i] == tail for i in range(1, rounds)
        ):
            return True
    return False
