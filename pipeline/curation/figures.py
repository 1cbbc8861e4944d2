"""The figures of a curation: how long right and wrong candidates reason, and what became of the categories."""

import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.curation.features import Features
from pipeline.curation.lengths import UNDECIDED, difficulty_figures, within_task

BINS = 24


def curation_figures(rows: Sequence[Features], kept: Iterable[str]) -> dict[str, Any]:
    """Return reasoning lengths of right and wrong candidates, and candidates, right and kept ones per category."""
    right = [row.reasoning_tokens for row in rows if row.accepted]
    wrong = [row.reasoning_tokens for row in rows if not row.accepted and row.status not in UNDECIDED]
    edges = histogram_edges([*right, *wrong])
    chosen = set(kept)
    categories = {
        "candidates": Counter(row.category for row in rows),
        "right": Counter(row.category for row in rows if row.accepted),
        "kept": Counter(row.category for row in rows if row.candidate_id in chosen),
    }
    names = sorted(categories["candidates"])
    return {
        "reasoning_tokens": {
            "edges": edges,
            "right": summary(right, edges),
            "wrong": summary(wrong, edges),
            "kept": summary([row.reasoning_tokens for row in rows if row.candidate_id in chosen], edges),
        },
        "within_task": within_task(rows),
        "by_difficulty": difficulty_figures(rows, chosen),
        "by_category": {name: {stage: counts[name] for stage, counts in categories.items()} for name in names},
    }


def histogram_edges(values: Sequence[int]) -> list[int]:
    """Return the lower edges of at most ``BINS`` equally wide bins that cover the values, and the last upper edge."""
    if not values:
        return []
    low, high = min(values), max(values)
    width = max(1, -(-(high - low + 1) // BINS))
    return [low + width * i for i in range(-(-(high - low + 1) // width) + 1)]


def summary(values: Sequence[int], edges: Sequence[int]) -> dict[str, Any]:
    """Return n, mean, quartiles and counts per bin; only n of no values."""
    if not values:
        return {"n": 0}
    lower, median, upper = (
        statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    )
    counts = Counter(bisect_right(edges, value) - 1 for value in values)
    return {
        "n": len(values),
        "mean": round(statistics.fmean(values), 2),
        "lower_quartile": lower,
        "median": median,
        "upper_quartile": upper,
        "histogram": [counts[i] for i in range(len(edges) - 1)],
    }
