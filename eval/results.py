"""From the rows of ``evaluate`` to results.json."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from eval.metrics import bootstrap, fast_p, pass_at_k

SCHEMA_VERSION = 1
BUILT = frozenset({"correct", "incorrect", "runtime_error", "timeout"})  # statuses that only a built module can get


class Row(NamedTuple):
    """What the figures rest on, of one sample of one task."""

    model: str
    task_id: str
    category: str
    status: str
    speedup: float | None


class Plan(NamedTuple):
    """Which figures are wanted."""

    suite: str
    ks: Sequence[int]
    thresholds: Sequence[float]
    resamples: int
    seed: int


def results(rows: Iterable[Row], plan: Plan) -> dict[str, Any]:
    """Return the content of results.json: per model and per category, in the order in which models first come.

    What the judge could not decide (status ``unsupported``) counts as not solved, and is counted in ``n_undecided``.
    Where it decided nothing at all (backend ``none``), the figures are null. ``fast_p`` is null where no speed was
    measured in the whole evaluation.

    Raises:
        ValueError: a k is larger than the number of samples of a task.
    """
    by_model: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    judged = any(row.status != "unsupported" for rows in by_model.values() for row in rows)
    timed = any(row.speedup is not None for rows in by_model.values() for row in rows)
    models = {}
    for model, own in by_model.items():
        categories = sorted({row.category for row in own})
        models[model] = _figures(own, plan, judged=judged, timed=timed)
        models[model]["by_category"] = {
            category: _figures([row for row in own if row.category == category], plan, judged=judged, timed=timed)
            for category in categories
        }
    return {"schema": SCHEMA_VERSION, "suite": plan.suite, "models": models}


def _figures(rows: Sequence[Row], plan: Plan, *, judged: bool, timed: bool) -> dict[str, Any]:
    tasks: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tasks[row.task_id].append(row)
    statuses = Counter(row.status for row in rows)
    return {
        "n_tasks": len(tasks),
        "samples_per_task": min(len(samples) for samples in tasks.values()),
        "n_undecided": statuses["unsupported"],
        "statuses": dict(statuses.most_common()),
        "compile_rate": sum(statuses[status] for status in BUILT) / len(rows) if judged else None,
        "pass_at_k": {str(k): _pass(tasks.values(), k, plan) if judged else None for k in plan.ks},
        "fast_p": {str(p): _fast(tasks.values(), p, plan) for p in plan.thresholds} if timed else None,
    }


def _pass(tasks: Iterable[Sequence[Row]], k: int, plan: Plan) -> dict[str, float]:
    values = [pass_at_k(len(rows), sum(row.status == "correct" for row in rows), k) for rows in tasks]
    return bootstrap(values, plan.resamples, plan.seed)._asdict()


def _fast(tasks: Iterable[Sequence[Row]], p: float, plan: Plan) -> dict[str, float]:
    """One model may have no timed sample while another has: its share is 0 then, not unknown."""
    values = [
        fast_p([row.status == "correct" for row in rows], [row.speedup for row in rows], p) or 0.0 for rows in tasks
    ]
    return bootstrap(values, plan.resamples, plan.seed)._asdict()
