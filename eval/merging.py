"""results.json read again: its rows, and one of several."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.figures import MEASURED, Plan, Row
from eval.headline import models_in_order
from eval.results import SCHEMA_VERSION, results
from eval.strategy_figures import merged
from pipeline.errors import UserError


def merge(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one results.json of several: shards of one suite's tasks, or models evaluated apart.

    Raises:
        UserError: they differ in suite or plan, or hold the same task of the same model twice.
    """
    if not parts:
        raise UserError("merge: nothing to merge")
    plans = [_plan(part) for part in parts]
    for plan in plans[1:]:
        for name in ("suite", "ks", "thresholds", "budgets", "intervals", "judge_error"):
            one, other = getattr(plans[0], name), getattr(plan, name)
            if one != other:
                raise UserError(f"merge: {name} differs ({one} and {other})")
    seen: set[tuple[str, str]] = set()
    rows: list[Row] = []
    for part in parts:
        own = list(rows_of(part))
        places = {(row.model, row.task_id) for row in own}
        if twice := sorted(seen & places):
            raise UserError(f"merge: model {twice[0][0]!r} has task {twice[0][1]} in two of them")
        seen |= places
        rows += own
    prices = {model: price for plan in plans for model, price in plan.prices.items()}
    plan = plans[0]._replace(prices=prices)
    found = results(rows, plan)
    if strategies := merged(parts, plan.resamples, plan.seed):
        found["strategies"] = strategies
    if left_out := {name: reason for part in parts for name, reason in part.get("left_out", {}).items()}:
        found["left_out"] = left_out
    return found


def rows_of(found: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows that a results.json was computed from.

    Raises:
        UserError: it holds none: it is of a version that kept only the figures.
    """
    for model, figures in models_in_order(found).items():
        for task_id, task in samples_of(figures, model).items():
            for sample in task["samples"]:
                measured = {name: sample.get(name) for name in MEASURED}
                yield Row(model, task_id, task["category"], sample["status"], name=task["name"], **measured)


def read_results(path: Path) -> dict[str, Any]:
    """Return a results.json, given itself or the directory of a run or of its evaluate stage.

    Raises:
        UserError: there is none, or it is of another schema.
    """
    places = [path, path / "results.json", path / "evaluate" / "results.json"] if path.is_dir() else [path]
    file = next((place for place in places if place.is_file()), path)
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path}: no results.json is there") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{file}: not JSON: {error.msg} (line {error.lineno})") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA_VERSION or "models" not in found:
        raise UserError(f"{file}: no results of schema {SCHEMA_VERSION}")
    return found


def samples_of(figures: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """Return the ``tasks`` of a model's figures; raises UserError where an older version kept none."""
    if "tasks" not in figures:
        raise UserError(f"the results of {model!r} hold no samples; run evaluate again to get them")
    return figures["tasks"]


def _plan(found: Mapping[str, Any]) -> Plan:
    if "plan" not in found:
        raise UserError(f"merge: the results of suite {found['suite']!r} hold no plan; run evaluate again")
    values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in found["plan"].items()}
    return Plan(**values)
