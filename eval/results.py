"""From the rows of ``evaluate`` to results.json, which holds the samples that its figures are computed from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eval.allocation import allocation
from eval.curves import pass_curve
from eval.difficulty import DIFFICULTIES, average_reasoning_length, difficulty
from eval.figures import MEASURED, Figures, Plan, Row, by_task
from eval.judge_error import Counted, JudgeError, corrected, precision
from eval.metrics import resampled_means
from eval.scaling import fit_saturation, saturation_point
from eval.selection.choosing import selected, selected_by
from pipeline.errors import UserError

SCHEMA_VERSION = 1
SMALL_GAIN = 0.01  # of pass@k, by one more sample


def results(rows: Iterable[Row], plan: Plan) -> dict[str, Any]:
    """Return the content of results.json: per model and per category; ``order`` is that in which models first come.

    What the judge could not decide (status ``unsupported``) counts as not solved, and is counted in ``n_undecided``.
    Where it decided nothing at all (backend ``none``), the figures are null. ``fast_p`` is null where no speed was
    measured in the whole evaluation, pass@k where a task of that model has fewer than k samples. ``tasks`` holds what
    all of it is computed from: see ``merging.rows_of``.

    Raises:
        UserError: the plan's ``judge_error`` is too uncertain to correct by.
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
        tasks = models[model]["tasks"] = _tasks(own)
        models[model]["selection"] = selected(tasks, plan.resamples, plan.seed) if judged else None
        models[model]["selection_by"] = selected_by(tasks) if judged else None
        models[model]["saturation"] = _saturation(tasks) if judged else None
        models[model]["allocation"] = allocation(tasks) if judged else None
        models[model]["corrected_pass_at_1"] = _corrected(tasks, plan) if judged else None
    found = {"schema": SCHEMA_VERSION, "suite": plan.suite, "plan": plan._asdict(), "models": models}
    return {**found, "order": list(models)}  # which JSON with sorted keys forgets


def _saturation(tasks: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the fit of pass@k, with from how many samples on one more gains less than ``SMALL_GAIN``.

    None where fewer than three points are known: two fit any curve.
    """
    curve = pass_curve(tasks)
    fitted = fit_saturation(curve) if len(curve) > 2 else None
    if fitted is None:
        return None
    return {**fitted._asdict(), "samples": saturation_point(fitted.p, fitted.f_max, SMALL_GAIN), "gain": SMALL_GAIN}


def _corrected(tasks: Mapping[str, Any], plan: Plan) -> dict[str, float | None] | None:
    """Return pass@1 with the judge's errors carried along, and the share of accepted answers that are right."""
    if not plan.judge_error:
        return None
    error = JudgeError(*(Counted(plan.judge_error[n][0], int(plan.judge_error[n][1])) for n in JudgeError._fields))
    shares = [sum(s["status"] == "correct" for s in t["samples"]) / len(t["samples"]) for t in tasks.values()]
    accepted = sum(shares) / len(shares)
    try:
        found = corrected(np.array([accepted, *resampled_means(shares, plan.resamples, plan.seed)]), error, plan.seed)
    except ValueError as fault:
        raise UserError(f"evaluate.judge_error: {fault}") from None
    phi, psi = (counted.found / counted.trials for counted in error)
    return {**found._asdict(), "precision": precision(accepted, phi, psi)}


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
