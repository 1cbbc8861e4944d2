"""How reasoning length goes with being right, within tasks, and how hard tasks are by the length of their reasoning.

Right answers are shorter on the whole partly because easy tasks are both: within one task that can't be the cause.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.curation.features import NOT_JUDGED, Features

UNDECIDED = (NOT_JUDGED, "unsupported")  # these say nothing about the candidate
DIFFICULTY_EDGES = (4000.0, 8500.0)  # ConCuR's, in tokens of a language model
RESAMPLES = 1000
SEED = 2510


def reasoning_lengths(rows: Iterable[Features]) -> dict[str, float]:
    """Return each task's ARL: the mean number of reasoning tokens of its first answers, right or wrong (ConCuR).

    Answers without reasoning don't count; a task that has no others is left out. ConCuR takes ten samples of one
    model; here it is as many as there are, of whichever teachers.
    """
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row.turn == 0 and row.reasoning_tokens:
            entry = sums[row.task_id]
            entry[0] += row.reasoning_tokens
            entry[1] += 1
    return {task: total / n for task, (total, n) in sums.items()}


def difficulty(arl: float | None, edges: tuple[float, float] = DIFFICULTY_EDGES) -> str | None:
    """Return ``easy`` below the first edge, ``hard`` above the second, ``medium`` from one to the other."""
    if arl is None:
        return None
    return "easy" if arl < edges[0] else "hard" if arl > edges[1] else "medium"


def difficulty_figures(rows: Sequence[Features], kept: set[str]) -> dict[str, Any]:
    """Return tasks, candidates, right and kept ones per difficulty, and the tasks' mean ARL."""
    bins: dict[str, dict[str, Any]] = {}
    tasks: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        name = row.difficulty or "none"
        figures = bins.setdefault(name, {"candidates": 0, "right": 0, "kept": 0})
        figures["candidates"] += 1
        figures["right"] += row.accepted
        figures["kept"] += row.candidate_id in kept
        tasks[name][row.task_id] = row.arl or 0.0
    for name, lengths in tasks.items():
        mean = sum(lengths[task] for task in sorted(lengths)) / len(lengths)
        bins[name] |= {"tasks": len(lengths), "arl": round(mean, 2) if name != "none" else None}
    return dict(sorted(bins.items()))


def within_task(rows: Iterable[Features]) -> dict[str, Any]:
    """Compare right with wrong first answers of the same tasks.

    Returns ``tasks`` (those that have both), and over these the mean of the tasks' ``difference`` of mean reasoning
    tokens, right minus wrong, of their ``ratio``, right over wrong, and the share of tasks in which right answers are
    ``shorter`` (half of it for ties); each with a 95% percentile bootstrap interval over tasks. Candidates that were
    not judged or can't be, and answers without reasoning, don't count.
    """
    right, wrong = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for row in rows:
        if row.turn == 0 and row.reasoning_tokens and row.status not in UNDECIDED:
            (right if row.accepted else wrong)[row.task_id].append(row.reasoning_tokens)
    both = sorted(right.keys() & wrong.keys())
    if not both:
        return {"tasks": 0}
    of_right = np.array([np.mean(sorted(right[task])) for task in both])
    of_wrong = np.array([np.mean(sorted(wrong[task])) for task in both])
    columns = {
        "difference": of_right - of_wrong,
        "ratio": of_right / of_wrong,
        "shorter": np.where(of_right < of_wrong, 1.0, np.where(of_right == of_wrong, 0.5, 0.0)),
    }
    table = np.stack(list(columns.values()), axis=1)
    means = _bootstrap_means(table)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    mean = table.mean(axis=0)
    figures = {
        name: {"mean": round(float(mean[i]), 4), "low": round(float(low[i]), 4), "high": round(float(high[i]), 4)}
        for i, name in enumerate(columns)
    }
    return {"tasks": len(both), **figures}


def _bootstrap_means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns' means over ``RESAMPLES`` draws of the rows with replacement, one draw a row."""
    random = np.random.default_rng(SEED)
    at_once = max(1, 1_000_000 // len(table))  # bounds memory
    parts: list[NDArray[np.float64]] = []
    for start in range(0, RESAMPLES, at_once):
        drawn = random.integers(0, len(table), (min(at_once, RESAMPLES - start), len(table)))
        parts.append(table[drawn].mean(axis=1))
    return np.concatenate(parts)
