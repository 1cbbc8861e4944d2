"""All figures of one model, of all its tasks or of some."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from eval.budget import Attempt, best_within, cost_per_solved, covers
from eval.metrics import SHARE, Bounds, bootstrap, bootstrap_pooled, bootstrap_samples, fast_p, pass_at_k
from eval.speed import best_of_k, fast_count, speed

BUILT = frozenset({"correct", "incorrect", "runtime_error", "timeout"})  # statuses that only a built module can get


class Row(NamedTuple):
    """What the figures rest on, of one sample of one task; None is what was not measured.

    ``speedup`` is over eager PyTorch, ``speedup_compile`` over torch.compile. ``form`` is the same for answers that
    differ in comments and layout only. ``outputs`` are, per shared input, the class of what the answer gives among
    the model's answers to the task, None for nothing. ``log_probability`` is the natural logarithm of the
    probability of the answer's ``scored_tokens`` tokens, given the prompt.
    """

    model: str
    task_id: str
    category: str
    status: str
    speedup: float | None
    name: str = ""
    speedup_compile: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    form: str | None = None
    outputs: Sequence[int | None] | None = None
    log_probability: float | None = None
    scored_tokens: int | None = None


MEASURED = (
    *("speedup", "speedup_compile", "prompt_tokens", "completion_tokens", "reasoning_tokens", "form", "outputs"),
    *("log_probability", "scored_tokens"),
)


class Plan(NamedTuple):
    """Which figures are wanted.

    ``budgets`` are completion tokens per task. ``prices`` are dollars for a million prompt and completion tokens, by
    model. ``intervals`` over ``tasks`` alone, or over their ``samples`` too. ``judge_error`` holds the judge's
    (wrong, of) as ``false_accepts`` and ``false_rejects``; empty: unknown.
    """

    suite: str
    ks: Sequence[int]
    thresholds: Sequence[float]
    resamples: int
    seed: int
    budgets: Sequence[int] = ()
    prices: Mapping[str, Sequence[float]] = {}
    intervals: str = "tasks"
    judge_error: Mapping[str, Sequence[float]] = {}


class Figures:
    """The figures of one model, of all its tasks or some."""

    def __init__(self, plan: Plan, *, judged: bool, timed: bool, model: str) -> None:
        self.plan, self.judged, self.timed = plan, judged, timed
        self.prices = plan.prices.get(model)

    def of(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the figures of these rows; see ``results`` for what is null when."""
        tasks = list(by_task(rows).values())
        statuses = Counter(row.status for row in rows)
        plan = self.plan
        return {
            "n_tasks": len(tasks),
            "samples_per_task": min(len(samples) for samples in tasks),
            "n_undecided": statuses["unsupported"],
            "statuses": dict(statuses.most_common()),
            "compile_rate": sum(statuses[status] for status in BUILT) / len(rows) if self.judged else None,
            "pass_at_k": {str(k): self._pass(tasks, k) if self.judged else None for k in plan.ks},
            "fast_p": {str(p): self._fast(tasks, p) for p in plan.thresholds} if self.timed else None,
            "fast_p_at_k": self._fast_at_k(tasks, "speedup"),
            "fast_p_at_k_over_compile": self._fast_at_k(tasks, "speedup_compile"),
            "best_speedup_at_k": self._best(tasks, "speedup"),
            "best_speedup_at_k_over_compile": self._best(tasks, "speedup_compile"),
            "speedup": _speed(rows, "speedup"),
            "speedup_over_compile": _speed(rows, "speedup_compile"),
            "intervals": self._intervals(tasks),
            "solved_within_tokens": self._within(tasks, _solved, enough=1.0),
            "best_speedup_within_tokens": self._within(tasks, _gained, enough=math.inf) if self.timed else None,
            "per_solved_task": self._costs(tasks),
        }

    def split(
        self, rows: Sequence[Row], part_of: Mapping[str, str], order: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Return the figures of each part that the tasks fall into; tasks of no part are in none."""
        parts = order or sorted(set(part_of.values()))
        chosen = {part: [row for row in rows if part_of.get(row.task_id) == part] for part in parts}
        return {part: self.of(own) for part, own in chosen.items() if own}

    def _pass(self, tasks: Sequence[Sequence[Row]], k: int) -> dict[str, float] | None:
        return self._estimate([(len(rows), sum(row.status == "correct" for row in rows)) for rows in tasks], k)

    def _estimate(self, counts: Sequence[tuple[int, int]], k: int) -> dict[str, float] | None:
        if any(n < k for n, _ in counts):
            return None
        if self.plan.intervals == "samples":
            return bootstrap_samples(counts, k, self.plan.resamples, self.plan.seed)._asdict()
        return bootstrap([pass_at_k(n, c, k) for n, c in counts], self.plan.resamples, self.plan.seed)._asdict()

    def _fast(self, tasks: Sequence[Sequence[Row]], p: float) -> dict[str, float]:
        """One model may have no timed sample while another has: its share is 0 then, not unknown."""
        values = [
            fast_p([row.status == "correct" for row in rows], [row.speedup for row in rows], p) or 0.0
            for rows in tasks
        ]
        return bootstrap(values, self.plan.resamples, self.plan.seed)._asdict()

    def _fast_at_k(self, tasks: Sequence[Sequence[Row]], over: str) -> dict[str, Any] | None:
        if not self.timed or not any(getattr(row, over) is not None for rows in tasks for row in rows):
            return None
        found: dict[str, Any] = {}
        for p in self.plan.thresholds:
            counts = [
                (len(rows), fast_count([r.status == "correct" for r in rows], [getattr(r, over) for r in rows], p))
                for rows in tasks
            ]
            found[str(p)] = {str(k): self._estimate(counts, k) for k in self.plan.ks}
        return found

    def _best(self, tasks: Sequence[Sequence[Row]], over: str) -> dict[str, dict[str, float] | None] | None:
        """Return the expected speedup of the fastest of k answers, averaged over tasks; 0 where none is right."""
        if not self.timed or (over != "speedup" and all(getattr(row, over) is None for own in tasks for row in own)):
            return None
        speedups = [[(getattr(r, over) or 0.0) if r.status == "correct" else 0.0 for r in rows] for rows in tasks]
        few = min(map(len, speedups))
        return {
            str(k): bootstrap(
                [best_of_k(own, k) for own in speedups], self.plan.resamples, self.plan.seed, bounds=None
            )._asdict()
            if k <= few
            else None
            for k in self.plan.ks
        }

    def _intervals(self, tasks: Sequence[Sequence[Row]]) -> dict[str, dict[str, float] | None]:
        """Return the intervals of the figures that are no means over tasks, null where there is no such figure."""

        def pooled(
            values: Sequence[Sequence[float]], figure: Callable[[Any], Any], bounds: Bounds | None = None
        ) -> dict[str, float] | None:
            if not any(values):
                return None
            plan = self.plan
            over = {"samples": plan.intervals == "samples", "bounds": bounds}
            return bootstrap_pooled(values, figure, plan.resamples, plan.seed, **over)._asdict()

        built = [[float(row.status in BUILT) for row in own] for own in tasks] if self.judged else []
        found = {"compile_rate": pooled(built, np.mean, SHARE)}
        for over, name in (("speedup", "speedup"), ("speedup_compile", "speedup_over_compile")):
            solved = [[getattr(row, over) for row in own if row.status == "correct"] for own in tasks]
            right = [[speedup for speedup in own if speedup is not None] for own in solved]
            found[f"{name}.geometric_mean"] = pooled(right, lambda x: float(np.exp(np.log(x).mean())))
            found[f"{name}.median"] = pooled(right, np.median)
        return found

    def _within(
        self, tasks: Sequence[Sequence[Row]], worth: Callable[[Row], float], enough: float
    ) -> dict[str, Any] | None:
        """Return the best answer's worth per budget, null for budgets that the samples of some task don't exhaust.

        Nobody looks further than an answer that is worth ``enough``.
        """
        if not self.judged or any(row.completion_tokens is None for rows in tasks for row in rows):
            return None
        attempts = [[Attempt(row.completion_tokens or 0, worth(row)) for row in rows] for rows in tasks]
        return {
            str(budget): bootstrap(
                [best_within(own, budget, self.plan.seed) for own in attempts],
                self.plan.resamples,
                self.plan.seed,
                bounds=SHARE if enough == 1.0 else None,
            )._asdict()
            if all(covers(own, budget) or any(a.value >= enough for a in own) for own in attempts)
            else None
            for budget in self.plan.budgets
        }

    def _costs(self, tasks: Sequence[Sequence[Row]]) -> dict[str, float | None] | None:
        rows = [row for own in tasks for row in own]
        if not self.judged or any(row.completion_tokens is None for row in rows):
            return None
        solved = sum(any(row.status == "correct" for row in own) for own in tasks)
        costs = {"completion_tokens": cost_per_solved([row.completion_tokens or 0 for row in rows], solved)}
        if self.prices is not None and all(row.prompt_tokens is not None for row in rows):
            asked, answered = self.prices
            spent = [(asked * (r.prompt_tokens or 0) + answered * (r.completion_tokens or 0)) / 1e6 for r in rows]
            costs["dollars"] = cost_per_solved(spent, solved)
        return costs


def by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of each task, both in the order in which they come."""
    tasks: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tasks[row.task_id].append(row)
    return tasks


def _solved(row: Row) -> float:
    """Return 1 of a right answer, else 0."""
    return float(row.status == "correct")


def _gained(row: Row) -> float:
    """Return the speedup over eager of a right answer, else 0."""
    return (row.speedup or 0.0) if row.status == "correct" else 0.0


def _speed(rows: Sequence[Row], over: str) -> dict[str, float] | None:
    found = speed([getattr(row, over) for row in rows if row.status == "correct"])
    return found._asdict() if found else None
