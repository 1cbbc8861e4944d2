"""Keeps any one category from filling the data set.

Every category is cut to the same cap, the largest one at which none holds more than ``max_share`` of what is kept.
Which rows of a category go is decided by their candidate ids, highest first: ids are content hashes, so this is a
random choice that comes out the same every time and whatever the order of the rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

from pydantic import Field

from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """``max_share``: the largest part of the kept rows that one category may have.

    With fewer categories than ``1 / max_share`` no choice of rows meets it; then equal shares are the limit, and a
    single category stays whole.
    """

    kind: Literal["balance"] = "balance"
    max_share: float = Field(default=0.4, gt=0, le=1)


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop rows of categories that are over the cap."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        ids[row.category].append(row.candidate_id)
    limit = cap(Counter(row.category for row in rows).values(), config.max_share)
    return {candidate: "category_full" for members in ids.values() for candidate in sorted(members)[limit:]}


def cap(counts: Iterable[int], max_share: float) -> int:
    """Return the largest number of rows per category at which none has more than its share of the kept rows."""
    counts = sorted(counts)
    if not counts:
        return 0
    share = max(Fraction(max_share).limit_denominator(10**6), Fraction(1, len(counts)))
    low, high = counts[0], counts[-1]  # at the smallest category's count all are equal, which is always allowed
    while low < high:  # a larger cap only ever raises the largest share, so halving finds the border
        middle = (low + high + 1) // 2
        if middle <= share * sum(min(count, middle) for count in counts):
            low = middle
        else:
            high = middle - 1
    return low
