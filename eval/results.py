"""From the rows of ``evaluate`` to results.json, which holds the samples that its figures are computed from."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from eval.difficulty import DIFFICULTIES, average_reasoning_length, difficulty
from eval.figures import MEASURED, Figures, Plan, Row, by_task

SCHEMA_VERSION = 1


def results(rows: Iterable[Row], plan: Plan) -> dict[str, Any]:
    """Return the content of results.json: per model and per category, in the order in which models first come.

    What the judge could not decide (status ``unsupported``) counts as not solved, and is counted in ``n_undecided``.
    Where it decided nothing at all (backend ``none``), the figures are null. ``fast_p`` is null where no speed was
    measured in the whole evaluation, pass@k where a task of that model has fewer than k samples. ``tasks`` holds what
    all of it is computed from: see ``merging.rows_of``.
    """
    by_model: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    judged = any(row.status != "unsupported" for rows in by_model.values() for row in rows)
    timed = any(row.speedup is not None for rows in by_model.values() for row in rows)
    models = {}
    for model, own in by_model.items():
        figures = Figures(plan, judged=judged, timed=timed, model=model)
        models[model] = figures.of(own)
        models[model]["by_category"] = figures.split(own, {row.task_id: row.category for row in own})
        bins = _difficulties(own)
        models[model]["by_difficulty"] = figures.split(own, bins, DIFFICULTIES) if bins else None
        models[model]["tasks"] = _tasks(own)
    return {"schema": SCHEMA_VERSION, "suite": plan.suite, "plan": plan._asdict(), "models": models}


def _difficulties(rows: Sequence[Row]) -> dict[str, str]:
    arls = {t: average_reasoning_length([row.reasoning_tokens for row in own]) for t, own in by_task(rows).items()}
    return {task_id: difficulty(arl) for task_id, arl in arls.items() if arl is not None}


def _tasks(rows: Sequence[Row]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for task_id, own in by_task(rows).items():
        samples = [
            {"status": row.status, **{n: value for n in MEASURED if (value := getattr(row, n)) is not None}}
            for row in own
        ]
        found[task_id] = {"name": own[0].name, "category": own[0].category, "samples": samples}
    return found
