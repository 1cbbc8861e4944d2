"""The report's grid: a row per task, a cell per sample of each model, and what is behind the cells."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Mark = Literal["right", "wrong", "broken", "undecided"]
MAX_SHOWN = 300  # answers whose text is on the page: a page of 10 MB is read by nobody
MAX_CODE = 6000
_BROKEN = ("compile_error", "malformed", "runtime_error", "timeout")


class Cell(NamedTuple):
    """One sample: how it ended, where its history or, on the page, its answer is, and a line about it."""

    mark: Mark
    link: str | None
    title: str


class Shown(NamedTuple):
    """An answer with its verdict; answers that repeat one of the same task share it."""

    anchor: str
    task: str
    model: str
    sample: int
    candidate_id: str
    page: str | None
    verdict: str
    detail: str | None
    code: str


@dataclass
class Grid:
    """``rows``: task name -> model -> cells by sample; ``left_out`` counts different answers that are not shown."""

    models: list[str]
    rows: dict[str, dict[str, list[Cell]]] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    left_out: int = 0


def grid(
    rows: Iterable[Mapping[str, Any]],
    tasks: Mapping[str, Mapping[str, Any]],
    models: list[str],
    pages: Mapping[str, str],
) -> Grid:
    """Return the grid of an evaluation's rows, which come in the order of their keys: model, task, sample.

    ``pages`` are the histories by candidate id (see ``histories``), as links from the report.
    """
    found = Grid(models)
    by_task: dict[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    anchors: dict[tuple[str, str], str | None] = {}
    for row in rows:
        name = str(tasks[row["task_id"]]["name"]) if row["task_id"] in tasks else row["task_id"]
        reason = f": {row['reason']}" if row["reason"] else ""
        verdict = f"{row['verdict_status']}{reason}".replace("_", " ")
        anchor = None
        if row["code"] is not None:
            place = (row["task_id"], row["code"])
            if place not in anchors:
                anchors[place] = f"answer-{len(found.shown)}" if len(found.shown) < MAX_SHOWN else None
                _show(found, anchors[place], row, pages.get(row["id"]), name, verdict)
            anchor = anchors[place]
        link = pages.get(row["id"]) or (f"#{anchor}" if anchor else None)
        by_task[name][row["model"]].append(Cell(_mark(row), link, f"sample {row['sample']}, {verdict}"))
    found.rows = {name: dict(by_task[name]) for name in sorted(by_task)}
    return found


def _show(found: Grid, anchor: str | None, row: Mapping[str, Any], page: str | None, name: str, verdict: str) -> None:
    if anchor is None:
        found.left_out += 1
        return
    code = row["code"] if len(row["code"]) <= MAX_CODE else f"{row['code'][:MAX_CODE]}\n..."
    found.shown.append(
        Shown(anchor, name, row["model"], row["sample"], row["id"], page, verdict, row["detail"], code)
    )


def _mark(row: Mapping[str, Any]) -> Mark:
    if row["accepted"]:
        return "right"
    if row["verdict_status"] == "unsupported":
        return "undecided"
    return "broken" if row["verdict_status"] in _BROKEN else "wrong"
