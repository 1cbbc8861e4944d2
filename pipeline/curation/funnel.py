"""Applies the filters one after the other and counts what each drops and why."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pipeline.curation import balance, correct, duplicates, reasoned, shortest, too_long
from pipeline.curation.features import Features

FilterConfig = Annotated[
    correct.Config | reasoned.Config | duplicates.Config | too_long.Config | shortest.Config | balance.Config,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class Outcome:
    """What the filters decided: why each dropped candidate was dropped, and one row of counts per filter."""

    reasons: dict[str, str]
    steps: list[dict[str, Any]]


def run_filters(rows: Sequence[Features], filters: Sequence[FilterConfig]) -> Outcome:
    """Return what the filters drop; each sees only what those before it kept.

    ``steps`` holds, per filter, its kind, the rows before and after it, and its reasons with their counts.
    """
    reasons: dict[str, str] = {}
    steps: list[dict[str, Any]] = []
    left = list(rows)
    for config in filters:
        apply = sys.modules[type(config).__module__].apply  # a filter's function stands beside its Config
        dropped: dict[str, str] = apply(left, config)
        reasons.update(dropped)
        before = len(left)
        left = [row for row in left if row.candidate_id not in dropped]
        counts = dict(sorted(Counter(dropped.values()).items()))
        steps.append({"filter": config.kind, "before": before, "after": len(left), "reasons": counts})
    return Outcome(reasons, steps)
