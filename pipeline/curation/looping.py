"""Drops traces that go round in circles: a model that learns from them learns to."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.curation.features import Texts, words_of
from pipeline.curation.minhash import mixed
from pipeline.section import Section

MAX_PERIOD = 400  # words of the longest passage that is looked for as a loop at a trace's end
ROUNDS = 3
FACTOR = 0x9E3779B97F4A7C15  # odd: what comes first counts otherwise than what comes after it


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
    if n < 2:
        return 0.0
    ordered = np.sort(_passages(words, passage))
    return 1 - (1 + np.count_nonzero(ordered[1:] != ordered[:-1])) / n


def _passages(words: Sequence[str], length: int) -> NDArray[np.uint64]:
    """Return a hash of every passage of so many words, which is for comparing within this process only.

    Built from those of half the length, so that 20 words take five steps.
    """
    if length == 1:
        return np.fromiter(map(hash, words), np.int64, len(words)).astype(np.uint64)
    half = _passages(words, length // 2)
    joined = mixed(half[: len(half) - length // 2] + np.uint64(FACTOR) * half[length // 2 :])
    if length % 2 == 0:
        return joined
    return mixed(joined[:-1] + np.uint64(FACTOR) * _passages(words[length - 1 :], 1))


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
