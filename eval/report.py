"""report.html: one page that shows what a run did and how good its student is; needs nothing but itself."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from markupsafe import Markup

from eval import plots, report_data, tables
from eval.curves import fast_curve, pass_curve
from eval.grid import grid
from eval.headline import counted, headline, models_in_order
from eval.histories import write_histories
from eval.sentences import caution, summary
from eval.tables import comparisons
from pipeline.store import read_manifest, read_rows

if TYPE_CHECKING:
    from rich.table import Table

TOP_REASONS = 10


def write(
    out: Path,
    evaluation: Iterable[dict[str, Any]] | None = None,
    tasks: Mapping[str, dict[str, Any]] | None = None,
) -> Path:
    """Write ``out/evaluate/report.html`` and return its path; parts whose stage is missing are left out, and said so.

    Args:
        out: the run's directory.
        evaluation: the rows of an evaluate stage that is not sealed yet; by default those of the sealed one.
        tasks: rows of the tasks that were posed, by id; by default those of the sealed stages.
    """
    if evaluation is None and read_manifest(out / "evaluate") is not None:
        evaluation = read_rows(out / "evaluate")
    rows = list(evaluation or ())
    directory = out / "evaluate"
    directory.mkdir(parents=True, exist_ok=True)
    evaluated = report_data.evaluated(rows) if evaluation is not None else None
    posed = {**report_data.posed(out), **(tasks or {})}
    pages = write_histories(directory, rows, posed)
    page = _page(_facts(out, evaluated, posed) | _by_task(out, rows, posed, pages) | _in_detail(out))
    path = directory / "report.html"
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)
    return path


def table(results: dict[str, Any]) -> "Table":
    """Return the headline figures of a results.json for the terminal, a column per model."""
    from rich.table import Table

    lines = _lines(results)
    shown = Table(title=f"suite {results['suite']}", title_justify="left")
    for index, model in enumerate(lines[0]):
        shown.add_column("" if index == 0 else model, justify="left" if index == 0 else "right")
    for line in lines[1:]:
        shown.add_row(*line)
    return shown


def _page(facts: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(facts)


def _facts(out: Path, evaluated: report_data.Evaluated | None, tasks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the variables of report.html.jinja; what is not there is None."""
    manifests = report_data.manifests(out)
    results = report_data.stage_json(out, "evaluate", "results.json")
    curation = report_data.stage_json(out, "curate", "stats.json") if "curate" in manifests else None
    return {
        "name": out.resolve().name,
        "summary": summary(results),
        "caution": caution(results),
        "before_and_after": results is not None and report_data.TRAINED_MODEL in results["models"],
        "lines": [[_cell(text) for text in line] for line in _lines(results)] if results else [],
        "funnel": _funnel(curation, manifests),
        "lengths_plot": _lengths_plot(curation),
        "scripted": _teacher_kind(manifests) == "scripted",
        "category_plot": _category_plot(results),
        "loss_plot": _loss_plot(out, manifests),
        "trained": "train" in manifests,
        "reason_lists": _reason_lists(out, manifests, evaluated),
        "examples": list(report_data.examples(out, evaluated, tasks)) if tasks else [],
        "label": report_data.label,
        "split": _cell,
        "stages": _stages(manifests),
        "recipe": _recipe(manifests),
        "versions": {k: v for manifest in manifests.values() for k, v in manifest["versions"].items()},
        "machine": report_data.machine(),
    }


def _in_detail(out: Path) -> dict[str, Any]:
    """Return the variables of tables.html.jinja."""
    results = report_data.stage_json(out, "evaluate", "results.json") or {"models": {}}
    models = models_in_order(results)
    compared = comparisons(models)
    differences = {pair: found["difference"] for pair, found in compared.items()}
    strategies = results.get("strategies")
    judged = any(figures["compile_rate"] is not None for figures in models.values())
    timed = any(figures.get("fast_p") for figures in models.values())
    return {
        "tables": tables.tables(models),
        "comparison": tables.comparison_table(compared),
        "comparison_plot": Markup(plots.differences(differences)) if len(differences) > 1 else None,  # noqa: S704  (SVG that matplotlib has escaped)
        "strategies": tables.strategy_table(strategies),
        "strategy_plots": [
            (model, Markup(plots.curves(_within_tokens(found), "completion tokens a task", "solved, %")))  # noqa: S704  (SVG that matplotlib has escaped)
            for model, found in (strategies["models"] if strategies else {}).items()
        ],
        "untimed": _backend(out) if judged and not timed else None,
    }


def _within_tokens(strategies: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """Return the share solved by tokens, per strategy; JSON's keys are texts in their own order."""
    return {
        name: {int(tokens): found["solved_within"][tokens] for tokens in sorted(found["solved_within"], key=int)}
        for name, found in tables.in_order(strategies).items()
    }


def _backend(out: Path) -> str:
    """Return the judge's backend that the recipe of the stage names."""
    inputs = report_data.stage_json(out, "evaluate", "inputs.json") or {}
    return (inputs.get("judge") or {}).get("backend", "in use")


def _by_task(
    out: Path, rows: list[dict[str, Any]], tasks: Mapping[str, dict[str, Any]], pages: Mapping[str, str]
) -> dict[str, Any]:
    """Return the variables of grid.html.jinja."""
    results = report_data.stage_json(out, "evaluate", "results.json")
    models = models_in_order(results) if results else {}
    return {
        "grid": grid(rows, tasks, list(models) or sorted({row["model"] for row in rows}), pages),
        "has_pages": bool(pages),
        "curve_plots": _curve_plots(models),
        "left_out": results.get("left_out", {}) if results else {},
    }


def _curve_plots(models: dict[str, dict[str, Any]]) -> list[tuple[str, Markup, str]]:
    sampled = {model: figures["tasks"] for model, figures in models.items() if "tasks" in figures}
    passed = {model: pass_curve(tasks) for model, tasks in sampled.items()}
    fast = {model: curve for model, tasks in sampled.items() if (curve := fast_curve(tasks)) is not None}
    figures = []
    if any(len(curve) > 1 for curve in passed.values()):
        svg = Markup(plots.curves(passed, "samples k", "pass@k, %"))  # noqa: S704  (SVG that matplotlib has escaped)
        figures.append(("At least one of k answers is right", svg, "Unbiased, from all samples of each task."))
    if fast:
        svg = Markup(plots.curves(fast, "p", "fast_p, %"))  # noqa: S704  (SVG that matplotlib has escaped)
        figures.append(("Right and more than p times as fast", svg, "Against eager PyTorch, one answer per task."))
    return figures


def _lines(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the headline table on its side, a column per model: phones and terminals have room for few columns."""
    columns, rows = headline(results)
    return list(zip(columns, *rows, strict=True))


def _cell(text: str) -> tuple[str, str]:
    """Return a figure and its interval, which is empty where there is none."""
    value, _, interval = text.partition(" (")
    return value, interval.rstrip(")")


def _funnel(curation: dict[str, Any] | None, manifests: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps from candidates to samples, each with its count and its share of the first."""
    if curation is None:
        return []
    funnel = curation["funnel"]
    steps = [("candidates written", funnel["candidates"])]
    steps += [(_FILTERS.get(step["filter"], step["filter"]), step["after"]) for step in funnel["filters"]]
    most = max(1, funnel["candidates"])
    posed = counted(funnel["train_tasks"], "training task")
    tasks = f"{posed} of {manifests['tasks']['rows']}" if "tasks" in manifests else None
    head = [{"name": tasks, "count": None, "share": 0.0}] if tasks else []
    return head + [{"name": name, "count": count, "share": 100 * count / most} for name, count in steps]


def _teacher_kind(manifests: dict[str, Any]) -> str | None:
    section = manifests.get("generate", {}).get("inputs", {}).get("generate") or {}
    return (section.get("teacher") or {}).get("kind")


_FILTERS = {
    "correct": "accepted by the judge",
    "reasoned": "with a reasoning trace",
    "duplicates": "not repeated",
    "too_long": "short enough",
    "shortest": "shortest of their task",
    "balance": "after balancing categories",
}


def _lengths_plot(curation: dict[str, Any] | None) -> Markup | None:
    lengths = curation["reasoning_tokens"] if curation else None
    if not lengths or not (lengths["right"]["n"] or lengths["wrong"]["n"]):
        return None
    return Markup(plots.reasoning_lengths(lengths))  # noqa: S704  (SVG that matplotlib has escaped)


def _category_plot(results: dict[str, Any] | None) -> Markup | None:
    models: dict[str, dict[str, dict[str, float]]] = {}
    for model, figures in (models_in_order(results) if results else {}).items():
        shares = {name: inner["pass_at_k"].get("1") for name, inner in figures["by_category"].items()}
        models[model] = {name: found for name, found in shares.items() if found is not None}
    if not any(models.values()):
        return None
    return Markup(plots.pass_by_category(models))  # noqa: S704  (SVG that matplotlib has escaped)


def _loss_plot(out: Path, manifests: dict[str, Any]) -> Markup | None:
    steps, losses = report_data.losses(out) if "train" in manifests else ([], [])
    return Markup(plots.training_loss(steps, losses)) if losses else None  # noqa: S704  (SVG that matplotlib has escaped)


def _reason_lists(
    out: Path, manifests: dict[str, Any], evaluated: report_data.Evaluated | None
) -> list[dict[str, Any]]:
    lists: list[tuple[str, dict[str, int]]] = []
    if "tasks" in manifests and manifests["tasks"]["rejected"]:
        lists.append(("Why tasks were not used", manifests["tasks"]["reasons"]))
    if "verify" in manifests:
        lists.append(("Why the judge rejected candidates", report_data.verdict_reasons(out)))
    if "curate" in manifests:
        chosen = {k: n for k, n in manifests["curate"]["reasons"].items() if not k.startswith("not_accepted")}
        lists.append(("Why accepted candidates were left out", chosen))
    if evaluated is not None:
        for model, counts in sorted(evaluated.reasons.items(), key=lambda pair: pair[0] != report_data.TRAINED_MODEL):
            whose = f"of the {model}" if model in ("untrained", report_data.TRAINED_MODEL) else f"of {model}"
            lists.append((f"Why answers {whose} were wrong".replace("untrained", "untrained model"), counts))
    return [_reason_list(title, counts) for title, counts in lists if counts]


def _reason_list(title: str, counts: dict[str, int]) -> dict[str, Any]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown, rest = ordered[:TOP_REASONS], ordered[TOP_REASONS:]
    if rest:
        shown.append((f"{len(rest)} other reasons", sum(count for _, count in rest)))
    most = max(count for _, count in shown)
    rows = [{"name": name.replace("_", " "), "count": count, "share": 100 * count / most} for name, count in shown]
    return {"title": title, "total": sum(counts.values()), "rows": rows}


def _stages(manifests: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": stage, "manifest": manifests.get(stage)} for stage in report_data.STAGES]


def _recipe(manifests: dict[str, Any]) -> str:
    """Return the settings that the stages ran with, as YAML."""
    sections: dict[str, Any] = {}
    for stage, manifest in manifests.items():
        inputs = manifest["inputs"]
        sections |= {key: inputs[key] for key in ("seed", stage, "judge", "judge_version") if key in inputs}
    sections.pop("verify", None)  # the judge's section under another name
    return yaml.safe_dump(sections, sort_keys=False, allow_unicode=True, width=100)
