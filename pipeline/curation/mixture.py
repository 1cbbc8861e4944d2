"""Brings categories, levels or difficulties to the shares that the recipe asks for, by leaving rows out."""

import math
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from pydantic import Field, field_validator

from pipeline.curation.choosing import drawn
from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """``target``: group -> weight, for the groups of ``by``; weights are made to sum to 1.

    Groups are categories, levels (as text; ``none`` where a task has none) or difficulties (``easy``, ``medium``,
    ``hard``; ``none`` where no answer of a task has reasoning). Rows of a group that the target does not name, or
    gives weight 0, are dropped. The scarcest group decides how many rows there can be; with ``min_rows``, as many are
    kept as a data set of that many rows would have, and scarce groups stay short of their share. ``seed`` draws which
    rows of a group stay.
    """

    kind: Literal["mixture"] = "mixture"
    by: Literal["category", "level", "difficulty"] = "category"
    target: dict[str, float] = Field(min_length=1)
    min_rows: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)

    @field_validator("target")
    @classmethod
    def _is_a_mixture(cls, target: dict[str, float]) -> dict[str, float]:
        if any(not 0 <= weight < math.inf for weight in target.values()) or not any(target.values()):
            raise ValueError("weights are at least 0, and one is above")
        return target


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:
    """Drop what is over a group's share, and groups that have none."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        groups[_group(row, config)].append(row.candidate_id)
    limits = quotas({name: len(members) for name, members in groups.items()}, config)
    dropped: dict[str, str] = {}
    for name, members in groups.items():
        if name not in limits:
            dropped |= dict.fromkeys(members, "not_in_mixture")
            continue
        ordered = sorted(members, key=lambda candidate: drawn(candidate, config.seed))
        dropped |= dict.fromkeys(ordered[limits[name] :], "over_share")
    return dropped


def quotas(counts: dict[str, int], config: Config) -> dict[str, int]:
    """Return how many rows each group may keep, for the groups of positive weight."""
    weights = {name: Fraction(weight) for name, weight in config.target.items() if weight > 0}
    shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    total = min(counts.get(name, 0) / share for name, share in shares.items())
    total = max(total, Fraction(config.min_rows))
    return {name: math.floor(total * share) for name, share in shares.items()}


def _group(row: Features, config: Config) -> str:
    value = getattr(row, config.by)
    return "none" if value is None else str(value)
