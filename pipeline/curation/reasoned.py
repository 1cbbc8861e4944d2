"""Drops answers without a reasoning trace, which would otherwise win as the shortest."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """``min_tokens``: the least number of tokens that counts as a trace."""

    kind: Literal["reasoned"] = "reasoned"
    min_tokens: int = Field(default=1, ge=1)


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop candidates whose reasoning is missing or shorter than the least."""
    return {row.candidate_id: "no_reasoning" for row in rows if row.reasoning_tokens < config.min_tokens}
