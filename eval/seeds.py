"""Several runs of one recipe with other seeds as one result: what holds for the recipe, not for one run of it.

The interval is a hierarchical bootstrap: runs are drawn with replacement and, within each, its tasks; samples of a
task are left as they are. Where all runs have the same tasks, one draw of tasks serves all of them, because a hard
task is hard in every run. Limits: n runs, drawn with replacement, vary by a share 1/n less than new runs would (a
third less for three), so "beyond zero" from few runs is to be read together with the values of the single runs.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from eval.merging import samples_of
from eval.metrics import DIFFERENCE, SHARE, Bounds, interval
from pipeline.errors import UserError, nearest


def summarise(
    results: Sequence[Mapping[str, Any]], names: Sequence[str], resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Return pass@1 of each model over several runs, and how each model differs from the one named before it.

    Args:
        results: a results.json per run; models are compared on the tasks of the same run.
        names: models, in the order in which they came about, such as ``["untrained", "sft", "grpo"]``.
        resamples: of runs and tasks.
        seed: of the drawing.

    Returns:
        ``n_seeds``; ``n_tasks`` and ``same_tasks`` (whether all runs share them); ``models``: per name ``mean``,
        ``low``, ``high`` (95%) and ``per_seed``, a mean per run; ``differences``: per pair of consecutive names
        ``before``, ``after``, the same four of after - before, and ``beyond_zero``: whether the interval leaves out
        zero.

    Raises:
        UserError: a run lacks a model or its samples, or two models of one run were asked different tasks.
    """
    if not results or not names:
        raise UserError("seeds: no results, or no model named")
    runs = [_rates(found, names, number) for number, found in enumerate(results, 1)]
    tasks = [sorted(run[names[0]]) for run in runs]
    same = all(own == tasks[0] for own in tasks)
    values = [
        np.array([[run[name][task] for task in own] for name in names]) for run, own in zip(runs, tasks, strict=True)
    ]
    drawn = _resampled(values, same, resamples, seed)
    per_seed = np.array([own.mean(axis=1) for own in values]).T  # [models, runs]
    n_tasks = min(map(len, tasks))
    models = {name: _summary(per_seed[i], drawn[:, i], n_tasks, SHARE) for i, name in enumerate(names)}
    differences = []
    for i, (before, after) in enumerate(pairwise(names)):
        found = _summary(per_seed[i + 1] - per_seed[i], drawn[:, i + 1] - drawn[:, i], n_tasks, DIFFERENCE)
        beyond = bool(found["low"] > 0 or found["high"] < 0)
        differences.append({"before": before, "after": after, **found, "beyond_zero": beyond})
    return {
        "n_seeds": len(runs),
        "n_tasks": [len(own) for own in tasks],
        "same_tasks": same,
        "models": models,
        "differences": differences,
    }


def _rates(found: Mapping[str, Any], names: Sequence[str], number: int) -> dict[str, dict[str, float]]:
    """Return the share of right samples by model and task."""
    rates: dict[str, dict[str, float]] = {}
    for name in names:
        if name not in found["models"]:
            near = nearest(name, found["models"])
            hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(found['models']))}"
            raise UserError(f"seeds: run {number} has no model {name!r}; {hint}")
        tasks = samples_of(found["models"][name], name)
        rates[name] = {key: _share(task["samples"]) for key, task in tasks.items()}
        if rates[name].keys() != rates[names[0]].keys():
            raise UserError(f"seeds: {names[0]!r} and {name!r} of run {number} were asked different tasks")
    return rates


def _share(samples: Sequence[Mapping[str, Any]]) -> float:
    return sum(sample["status"] == "correct" for sample in samples) / len(samples)


def _resampled(values: Sequence[np.ndarray], same: bool, resamples: int, seed: int) -> np.ndarray:
    """Return resampled means, [resamples, models]; ``values`` is [models, tasks] per run."""
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, len(values[0])))
    for i in range(resamples):
        shared = generator.integers(values[0].shape[1], size=values[0].shape[1]) if same else None
        parts = []
        for run in generator.integers(len(values), size=len(values)):
            size = values[run].shape[1]
            chosen = generator.integers(size, size=size) if shared is None else shared
            parts.append(values[run][:, chosen].mean(axis=1))
        means[i] = np.mean(parts, axis=0)
    return means


def _summary(per_seed: np.ndarray, drawn: np.ndarray, n_tasks: int, bounds: Bounds) -> dict[str, Any]:
    estimate = interval(float(per_seed.mean()), drawn, n_tasks, bounds)
    return {**estimate._asdict(), "per_seed": [float(value) for value in per_seed]}
