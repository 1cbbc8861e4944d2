"""The one table that says how good a student has become, as text: for the terminal, the report and the card."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from eval.compare import Comparison

NOT_MEASURED = "not measured"


class Headline(NamedTuple):
    """Column titles and one row of cells per model."""

    columns: list[str]
    rows: list[list[str]]


def headline(results: dict[str, Any]) -> Headline:
    """Return the table of a results.json: pass@k with intervals, the compile rate and, where timed, fast_p."""
    models = models_in_order(results)
    ks = sorted({k for figures in models.values() for k in figures["pass_at_k"]}, key=int)
    ps = sorted({p for figures in models.values() for p in figures.get("fast_p") or {}}, key=float)
    columns = ["model", "tasks", "samples per task", *(f"pass@{k}" for k in ks), "compiles"]
    columns += [f"fast_{float(p):g}" for p in ps] or ["fast_p"]
    rows = []
    for name, figures in models.items():
        row = [name, str(figures["n_tasks"]), str(figures["samples_per_task"])]
        row += [share(figures["pass_at_k"].get(k)) for k in ks]
        row.append(share(figures["compile_rate"]))
        row += [share((figures.get("fast_p") or {}).get(p)) for p in ps] or [NOT_MEASURED]
        rows.append(row)
    return Headline(columns, rows)


def models_in_order(results: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the models' figures: untrained, student, then the others as they were named, or by name if unknown."""
    models: dict[str, dict[str, Any]] = results["models"]
    named = [name for name in results.get("order", ()) if name in models]
    order = [name for name in ("untrained", "student", *named, *sorted(models)) if name in models]
    return {name: models[name] for name in dict.fromkeys(order)}


def share(value: dict[str, float] | float | None) -> str:
    """Return a share in per cent, with its interval if it has one; ``not measured`` for None."""
    if value is None:
        return NOT_MEASURED
    if isinstance(value, dict):
        return f"{value['mean']:.1%} ({100 * value['low']:.1f} to {100 * value['high']:.1f})"
    return f"{value:.1%}"


def times(value: Mapping[str, float]) -> str:
    """Return a factor with its interval; without one where that has no width, which says nothing."""
    interval = f" ({value['low']:.2f} to {value['high']:.2f})" if value["low"] < value["high"] else ""
    return f"{value['mean']:.2f}x{interval}"


def points(difference: dict[str, Any]) -> str:
    """Return a difference of shares in percentage points, with its interval."""
    mean, low, high = (100 * difference[name] for name in ("mean", "low", "high"))
    return f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def difference(found: "Comparison") -> list[tuple[str, str]]:
    """Return the lines of a comparison of A with B: what, and its figure."""
    lines = [
        ("tasks asked of both", str(found.n_tasks)),
        ("right answers, A minus B", points(found.difference._asdict())),
        ("tasks where A is right more often", str(len(found.wins))),
        ("tasks where B is", str(len(found.losses))),
    ]
    for what, test in (("first answer", found.first), ("any answer", found.any_of)):
        lines.append(
            (
                f"right by {what}: only A, only B",
                f"{test.only_a}, {test.only_b} (McNemar's exact p = {test.p_value:.3g})",
            )
        )
    if found.speed:
        over = f"speed of A over B, {counted(found.speed.n_tasks, 'task')}"
        lines.append((over, times(found.speed.ratio._asdict())))
        lines.append(("tasks where A is faster, where B is", f"{found.speed.faster}, {found.speed.slower}"))
    if found.left_out:
        lines.append(("tasks asked of one only, left out", str(found.left_out)))
    return lines


def counted(number: int, thing: str) -> str:
    """Return a number of things in words: 1 task, 2 tasks."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
