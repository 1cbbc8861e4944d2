"""Applies the filters one after the other and counts what each drops and why.

A filter's module has a ``Config`` and one or two of these functions:

- ``apply(rows, config)`` returns candidate id -> reason for what it drops;
- ``examine(texts, config)`` looks into a right answer's texts before any filter is applied. What it returns, unless
  None, stands in ``found[kind]`` of the candidate's features: at most a kilobyte, since it is held for every row.
  Without an ``apply``, it is the reason to drop the candidate;
- ``examine_tasks(tasks, config)`` does the same for tasks: task id -> what ``found[kind]`` of its answers is.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any

from pydantic import Field

from pipeline.curation import (
    balance,
    correct,
    decontaminated,
    duplicates,
    first_turn,
    honest,
    language,
    leaks,
    looping,
    mixture,
    near_duplicates,
    per_task,
    personal_data,
    reasoned,
    same_task,
    select,
    shortest,
    shortest_and_fastest,
    single_operator,
    speedup_over,
    too_long,
)
from pipeline.curation.features import Features, Texts
from pipeline.records import Task
from pipeline.section import Section

Cleaning = (
    correct.Config
    | first_turn.Config
    | reasoned.Config
    | duplicates.Config
    | near_duplicates.Config
    | same_task.Config
    | decontaminated.Config
    | too_long.Config
    | looping.Config
    | language.Config
    | leaks.Config
    | personal_data.Config
    | honest.Config
)
Choosing = (
    shortest.Config
    | select.Config
    | shortest_and_fastest.Config
    | speedup_over.Config
    | single_operator.Config
    | per_task.Config
    | balance.Config
    | mixture.Config
)
FilterConfig = Annotated[Cleaning | Choosing, Field(discriminator="kind")]


@dataclass(frozen=True)
class FilterResult:
    """What the filters decided: why each dropped candidate was dropped, and one row of counts per filter."""

    reasons: dict[str, str]
    steps: list[dict[str, Any]]


def run_filters(rows: Sequence[Features], filters: Sequence[FilterConfig]) -> FilterResult:
    """Return what the filters drop; each sees only what those before it kept.

    ``steps`` holds, per filter, its kind, the rows before and after it, and its reasons with their counts; of a
    filter that keeps by several rules, also how many rows each of them keeps.
    """
    reasons: dict[str, str] = {}
    steps: list[dict[str, Any]] = []
    left = list(rows)
    for config in filters:
        module = _module(config)
        dropped = _dropped(module, left, config)
        reasons.update(dropped)
        counts = dict(sorted(Counter(dropped.values()).items()))
        step = {"filter": config.kind, "before": len(left), "after": len(left) - len(dropped), "reasons": counts}
        if hasattr(module, "kept_by"):
            step["kept_by"] = dict(sorted(Counter(module.kept_by(left, config).values()).items()))
        steps.append(step)
        left = [row for row in left if row.candidate_id not in dropped]
    return FilterResult(reasons, steps)


def cleaning(filters: Sequence[FilterConfig]) -> list[FilterConfig]:
    """Return the filters without those that choose among good answers."""
    return [config for config in filters if isinstance(config, Cleaning)]


def examine(texts: Texts, filters: Iterable[FilterConfig]) -> dict[str, Any]:
    """Return what the filters that look into texts see in a right answer, by kind of filter."""
    found: dict[str, Any] = {}
    for config in filters:
        module = _module(config)
        if hasattr(module, "examine") and (seen := module.examine(texts, config)) is not None:
            found[config.kind] = seen
    return found


def examine_tasks(tasks: Sequence[Task], filters: Iterable[FilterConfig]) -> dict[str, dict[str, Any]]:
    """Return what the filters that look at tasks see, by kind of filter and task id."""
    return {
        config.kind: _module(config).examine_tasks(tasks, config)
        for config in filters
        if hasattr(_module(config), "examine_tasks")
    }


def _module(config: Section) -> ModuleType:
    return sys.modules[type(config).__module__]  # a filter's functions stand beside its Config


def _dropped(module: ModuleType, rows: Sequence[Features], config: FilterConfig) -> dict[str, str]:
    if hasattr(module, "apply"):
        return module.apply(rows, config)
    return {row.candidate_id: row.found[config.kind] for row in rows if config.kind in row.found}
