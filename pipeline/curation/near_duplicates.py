"""Drops kernels that nearly repeat another task's: MinHash over the shingles of the normalised code."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from pipeline.curation import minhash
from pipeline.curation.code_tokens import code_tokens, made_up
from pipeline.curation.features import Features, Texts
from pipeline.section import Section


class Config(Section):
    """``threshold``: the estimated Jaccard similarity of the sets of five tokens from which two count as the same.

    ``names: ignored`` compares code with one placeholder for all names that it makes up. ``within_tasks`` also
    compares a task's answers with each other, which otherwise is for the filter that chooses among them.
    """

    kind: Literal["near_duplicates"] = "near_duplicates"
    threshold: float = Field(default=0.9, ge=0.5, le=1)
    names: Literal["kept", "ignored"] = "kept"
    within_tasks: bool = False


def examine(texts: Texts, config: Config) -> bytes | None:
    """Return the signature of the code."""
    tokens = code_tokens(texts.code)
    if config.names == "ignored":
        own = made_up(tokens)
        tokens = tuple("$" if token in own else token for token in tokens)
    return minhash.signature(tokens)


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop all but one of each group of near duplicates.

    Of a group the lowest task id keeps its answers (within tasks: the lowest candidate id stays).
    """
    ordered = sorted(
        (row for row in rows if config.kind in row.found), key=lambda row: (row.task_id, row.candidate_id)
    )
    pairs = minhash.near_pairs([row.found[config.kind] for row in ordered], config.threshold)
    dropped: dict[str, str] = {}
    for row, position in zip(ordered, minhash.groups(len(ordered), pairs), strict=True):
        first = ordered[position]
        same = first is row if config.within_tasks else first.task_id == row.task_id
        if not same:
            dropped[row.candidate_id] = "near_duplicate"
    return dropped
