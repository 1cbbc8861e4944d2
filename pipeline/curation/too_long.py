"""Drops what is longer than a model should learn or can take; nothing is ever cut, a cut trace teaches stopping."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """``max_tokens`` limits reasoning and answer together, ``max_reasoning_tokens`` the trace alone.

    Both count as ``pipeline.curation.features.count_tokens`` does, which is no model's tokenizer.
    """

    kind: Literal["too_long"] = "too_long"
    max_tokens: int | None = Field(default=None, ge=1)
    max_reasoning_tokens: int | None = Field(default=None, ge=1)


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop candidates over either limit; the reason says which."""
    dropped: dict[str, str] = {}
    for row in rows:
        if config.max_reasoning_tokens is not None and row.reasoning_tokens > config.max_reasoning_tokens:
            dropped[row.candidate_id] = "reasoning_too_long"
        elif config.max_tokens is not None and row.completion_tokens > config.max_tokens:
            dropped[row.candidate_id] = "completion_too_long"
    return dropped
