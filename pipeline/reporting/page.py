"""The page about a dataset: one HTML file that needs nothing but itself."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from eval import plots
from eval.plots import PAGE, svg
from pipeline.output import to_write
from pipeline.publishing.figures import within_task_words
from pipeline.publishing.plots import Draw, drawings
from pipeline.reporting.colouring import coloured
from pipeline.reporting.examples import choose
from pipeline.reporting.sources import open_dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP = 12  # rows of a list; the rest is summed up
SCRIPTED = "scripted"
DRAWN_LENGTHS = (
    "The teacher is a script that draws the length of its reasoning, more often long when it errs: this plot shows "
    "that the pipeline measures it, not how models reason."
)


def write_page(directory: Path, path: Path | None = None) -> Path:
    """Write the page about a run's or a published dataset; return its path.

    Args:
        directory: see ``open_dataset``.
        path: where to, by default ``dataset_report.html`` in a run's directory, or beside a published folder.

    Raises:
        UserError: there is no dataset in the directory, or the page can't be written.
    """
    source = open_dataset(directory)
    figures = source.figures
    text = _template().render(
        name=source.name,
        figures=figures,
        funnel=_funnel(figures["funnel"]),
        plots=_plots(figures),
        within_task=within_task_words(figures["within_task"]),
        lists=_lists(figures),
        examples=choose(source.candidates),
    )
    path = to_write(path or source.page)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).parent, Path(plots.__file__).parent]),  # theirs: page.css
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coloured"] = coloured
    return environment.get_template("dataset.html.jinja")


def _plots(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return title, SVG and caption of each plot; the funnel is on the page as a list of bars."""
    found = []
    for name, (shows, draw, height) in drawings(figures).items():
        if name != "funnel":
            drawn = Markup(svg(partial(_on_page, draw), height))  # noqa: S704  (SVG that matplotlib has escaped)
            scripted = name == "reasoning_lengths" and SCRIPTED in figures["teachers"]
            found.append({"shows": shows, "svg": drawn, "caption": DRAWN_LENGTHS if scripted else None})
    return found


def _on_page(draw: Draw, axes: "Axes") -> None:
    draw(axes, PAGE)


def _funnel(funnel: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each filter with what it left and why it dropped what it dropped."""
    most = max(1, funnel["candidates"])
    steps = [{"name": "candidates", "count": funnel["candidates"], "share": 100.0, "dropped": []}]
    for step in funnel["filters"]:
        dropped = [(_words(reason), count) for reason, count in step["reasons"].items()]
        share = 100 * step["after"] / most
        steps.append({"name": step["filter"], "count": step["after"], "share": share, "dropped": dropped})
    return steps


def _lists(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    left_out = figures["left_out"].items()
    counted = {
        "Verdicts on candidates": _most_first(figures["verdicts"]),
        "Why accepted candidates were left out": _most_first(
            {reason: count for reason, count in left_out if not reason.startswith("not_accepted")}
        ),
        "Samples by level": dict(sorted(figures["levels"].items(), key=lambda pair: _number(pair[0]))),
        "Samples by source": _most_first(figures["sources"]),
        "Training tasks by licence": _most_first(figures["licences"]),
    }
    return [_list(title, counts) for title, counts in counted.items() if counts]


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _number(name: str) -> float:
    return float(name) if name.isdecimal() else float("inf")


def _list(title: str, counts: Mapping[str, int]) -> dict[str, Any]:
    ordered = list(counts.items())
    shown, rest = ordered[:TOP], ordered[TOP:]
    if rest:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    most = max(count for _, count in shown)
    rows = [{"name": _words(name), "count": count, "share": 100 * count / most} for name, count in shown]
    return {"title": title, "total": sum(counts.values()), "rows": rows}


def _words(name: str) -> str:
    return name.replace("_", " ").replace(":", ": ")
