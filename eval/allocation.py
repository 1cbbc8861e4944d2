"""Where further samples go: as many for every task, or by difficulty, at the same number of tokens.

Bins are of the mean reasoning length of a task's samples (ARL): ConCuR's bounds where they tell at least two bins
apart, else the model's own terciles. What a bin gets is decided on one half of the tasks and scored on the other, and
the other way round: a division that is scored on what it was fitted to looks better than it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eval.difficulty import DIFFICULTIES, EASY_BELOW, HARD_ABOVE, average_reasoning_length, difficulty, terciles
from eval.metrics import pass_at_k
from eval.scaling import allocate

MIN_SAMPLES = 4  # fewer can't be divided in different ways
SMOOTHING = 0.5  # right and wrong ones added to a bin's counts: none right so far is no proof that none will be


class _Task(NamedTuple):
    bin: str
    n: int
    right: int
    tokens: float  # mean completion tokens of a sample


def allocation(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what dividing by difficulty is worth at the tokens of half of the samples for every task.

    Returns:
        ``bounds`` in tokens; ``uniform`` samples a task; ``bins``: name -> tasks, pass@1, tokens a sample, samples
        given to a task (mean of both halves); ``solved``: expected share of tasks solved ``uniform`` and
        ``adaptive``, with the ``tokens`` a task that each spent. None where a task has fewer than ``MIN_SAMPLES``
        samples, tokens were not counted, or fewer than two bins have two tasks.
    """
    samples = {key: task["samples"] for key, task in tasks.items()}
    lengths = {
        key: average_reasoning_length([s.get("reasoning_tokens") for s in own]) for key, own in samples.items()
    }
    arls = {key: length for key, length in lengths.items() if length is not None}
    if len(arls) < len(tasks) or not tasks or min(map(len, samples.values())) < MIN_SAMPLES:
        return None
    if any("completion_tokens" not in sample for own in samples.values() for sample in own):
        return None
    bounds = _bounds(arls)
    own = [_task(difficulty(arls[key], *bounds), samples[key]) for key in sorted(tasks)]
    halves = [[t for name in DIFFICULTIES for t in [t for t in own if t.bin == name][start::2]] for start in (0, 1)]
    if len({t.bin for t in halves[0]} & {t.bin for t in halves[1]}) < 2:
        return None
    uniform = min(t.n for t in own) // 2
    given = [_divide(half, uniform) for half in halves]
    scored = list(zip(halves, reversed(given), strict=True))
    return {
        "bounds": bounds,
        "uniform": uniform,
        "bins": {name: _bin(name, own, given) for name in DIFFICULTIES if any(t.bin == name for t in own)},
        "solved": {
            "uniform": _solved([(t, uniform) for t in own]),
            "adaptive": _solved([(t, counts.get(t.bin, uniform)) for half, counts in scored for t in half]),
        },
    }


def _bounds(arls: Mapping[str, float]) -> tuple[float, float]:
    told_apart = {difficulty(arl) for arl in arls.values()}
    return (EASY_BELOW, HARD_ABOVE) if len(told_apart) > 1 else terciles(arls)


def _task(name: str, samples: Sequence[Mapping[str, Any]]) -> _Task:
    tokens = sum(s["completion_tokens"] for s in samples) / len(samples)
    return _Task(name, len(samples), sum(s["status"] == "correct" for s in samples), max(1.0, tokens))


def _divide(tasks: Sequence[_Task], uniform: int) -> dict[str, int]:
    """Return the samples for a task of each bin, by the bin's share of right samples; one at least, n at most."""
    bins = {name: [t for t in tasks if t.bin == name] for name in DIFFICULTIES}
    bins = {name: own for name, own in bins.items() if own}
    costs = {name: sum(t.tokens for t in own) for name, own in bins.items()}
    rates = {
        name: (sum(t.right for t in own) + SMOOTHING) / (sum(t.n for t in own) + 2 * SMOOTHING)
        for name, own in bins.items()
    }
    weights = {name: len(own) for name, own in bins.items()}
    most = min(t.n for t in tasks)
    return allocate(rates, costs, uniform * sum(costs.values()), weights=weights, least=1, most=most)


def _bin(name: str, tasks: Sequence[_Task], given: Sequence[Mapping[str, int]]) -> dict[str, float]:
    own = [t for t in tasks if t.bin == name]
    counts = [counts[name] for counts in given if name in counts]
    return {
        "n_tasks": len(own),
        "pass_at_1": sum(t.right / t.n for t in own) / len(own),
        "tokens_per_sample": sum(t.tokens for t in own) / len(own),
        "samples": sum(counts) / len(counts),
    }


def _solved(tasks: Sequence[tuple[_Task, int]]) -> dict[str, float]:
    return {
        "share": sum(pass_at_k(t.n, t.right, k) for t, k in tasks) / len(tasks),
        "tokens": sum(t.tokens * k for t, k in tasks) / len(tasks),
    }
